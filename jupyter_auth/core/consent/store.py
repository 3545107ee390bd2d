"""Where a person's consents are kept: like accounts."""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING, Any, Protocol

from jupyter_auth.core.common.codec import from_record, to_record
from jupyter_auth.core.common.override import override
from jupyter_auth.core.common.private_files import (
    file_lock,
    make_private_directory,
    read_private,
    write_private,
)
from jupyter_auth.core.errors import StoreError
from jupyter_auth.core.models import AccountKey
from jupyter_auth.core.record import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

LOCK_TIMEOUT = 10.0  # seconds: a change takes milliseconds
DAMAGED = (ValueError, TypeError, KeyError, AttributeError, RecursionError)

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
        self._path = directory / "consents" / "consents.json"

    @override
    def read(self) -> list[Consent]:
        """None where the file is damaged: people are asked again."""
        try:
            return decoded(read_private(self._path, tighten=True))
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise _unusable(self._path, error) from None
        except DAMAGED:
            _log.warning("%s was damaged. Its consents will be asked for again.", self._path)
            return []

    @override
    @contextlib.contextmanager
    def change(self) -> Iterator[list[Consent]]:
        with contextlib.ExitStack() as held:
            try:
                for directory in (self._path.parents[1], self._path.parent):
                    make_private_directory(directory)
                held.enter_context(file_lock(self._path.with_suffix(".lock"), LOCK_TIMEOUT))
            except OSError as error:
                raise _unusable(self._path, error) from None
            before = self.read()
            entries = list(before)
            yield entries
            if entries == before:
                return
            try:
                write_private(self._path, encoded(entries))
            except OSError as error:
                raise _unusable(self._path, error) from None


def encoded(entries: Sequence[Consent]) -> bytes:
    """As JSON. A list: what reads accounts finds none here."""
    return json.dumps([to_record(each) for each in entries]).encode()


def decoded(data: bytes) -> list[Consent]:
    """What ``encoded`` wrote. Raises one of ``DAMAGED`` for anything else."""
    return [from_record(Consent, each) for each in json.loads(data)]


def _unusable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"What notebooks may use is kept in {path}, which cannot be used:"
        f" {error.strerror or error}.",
        hint="Make it a file that you alone can read and write, or move it away.",
    )
