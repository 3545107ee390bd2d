"""Where a person's consents are kept: like accounts."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.private_files import PrivateList
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.record import record

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

LOCK_TIMEOUT = 10.0  # seconds: a change takes milliseconds

_log = logging.getLogger("jupyter_auth")


@record(frozen=True, kw_only=True)
class Consent:
    """A person's agreement that a notebook uses an account.

    ``notebook`` is empty for a program without one. ``kernel``: the only one that it is for; None:
    any. ``person``: whose account it was (``Account.person``). ``scopes`` are those that it had
    then, and the APIs of its tokens. ``until``: None: until it is revoked.
    """

    provider: str
    session_key: str
    notebook: str
    scopes: tuple[str, ...]
    given_at: float
    until: float | None = None
    kernel: str | None = None
    person: str

    @property
    def key(self) -> AccountKey:
        """Which account it is for."""
        return AccountKey(self.provider, self.session_key)

    def to_wire(self) -> dict[str, Any]:
        """What kernels and browsers may know of it."""
        names = ("provider", "session_key", "notebook", "given_at", "until")
        known = {name: getattr(self, name) for name in names}
        return {**known, "scope": " ".join(self.scopes)}


def consent_from_wire(data: dict[str, Any]) -> Consent:
    """What ``Consent.to_wire`` wrote; nobody learns whose account it was."""
    told = {name: data[name] for name in ("provider", "session_key", "notebook", "given_at")}
    scopes = tuple(str(data.get("scope") or "").split())
    return Consent(**told, scopes=scopes, until=data.get("until"), person="")


class ConsentStore(Protocol):
    """One person's consents."""

    def read(self) -> list[Consent]:
        """All of them, those that have ended too. Raises StoreError."""

    def change(self) -> AbstractContextManager[list[Consent]]:
        """Exclusive access to them; changes are saved if the block succeeds.

        Raises:
            StoreError: they cannot be saved.
        """


class FileConsents(ConsentStore):
    """Consents in one private file."""

    def __init__(self, directory: Path) -> None:
        path = directory / "consents" / "consents.json"
        self._list = PrivateList(path, Consent, unusable=_no_access, damaged=_damaged)

    @override
    def read(self) -> list[Consent]:
        """None where the file is damaged: people are asked again."""
        return self._list.read()

    @override
    def change(self) -> AbstractContextManager[list[Consent]]:
        return self._list.change(LOCK_TIMEOUT)


def _damaged(path: Path) -> None:
    _log.warning("%s was damaged. Its consents will be asked for again.", path)


def _no_access(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"What notebooks may use is kept in {path}, which cannot be used:"
        f" {error.strerror or error}.",
        hint="Make it a file that you alone can read and write, or move it away.",
    )
