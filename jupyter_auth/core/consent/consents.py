"""Decides whether a notebook may use an account: the one place for that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.consent.store import Consent
from jupyter_auth.core.errors import START_AGAIN, ConsentRequired
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens.next_steps import how_to_sign_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from jupyter_auth.core.consent.store import ConsentStore
    from jupyter_auth.core.models import Account, AccountKey, Token

GRANT = "consent"  # the ``grant`` of a login that asks for it
DAY = 86400.0  # seconds
SESSION = 7 * DAY  # that a kernel's consent lasts at most: no event tells of a kernel's end
LASTS: dict[str, float | None] = {"session": SESSION, "day": DAY, "month": 30 * DAY, "always": None}
MOST = 500  # of one person; the oldest are asked for again


class Asker(NamedTuple):
    """Who wants to use an account: a notebook by its path, empty for a program; and its kernel."""

    notebook: str = ""
    kernel: str | None = None

    @property
    def title(self) -> str:
        """As messages call it."""
        return self.notebook.rpartition("/")[2] or "A program without a notebook"


class Consents:
    """One person's consents. ``changed`` is called with each account whose consents were revoked.

    They are an agreement and no boundary: a kernel runs as its person, and what it says of itself
    is taken at its word unless the Jupyter server knows better (``Broker.asker``).
    """

    def __init__(
        self,
        store: ConsentStore,
        clock: Callable[[], float],
        changed: Callable[[AccountKey], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._changed = changed
        self._seen: list[Consent] | None = None

    def all(self) -> list[Consent]:
        """Those that are in force."""
        return self._lasting(self._store.read())

    def require(self, key: AccountKey, token: Token, asker: Asker) -> None:
        """Raise ConsentRequired unless the person agreed that ``asker`` uses this token."""
        wanted = _named(token.scopes, [token.resource])
        if any(_covers(each, key, token.person, asker, wanted) for each in self.all()):
            return
        hint, step = "", how_to_sign_in(key)
        if asker.notebook and step.step == "sign_in":  # a terminal would ask for itself
            of = "" if key.session_key == DEFAULT_KEY else f", session_key={key.session_key!r}"
            hint = f"Run `UserSession({key.provider!r}{of})` in a cell of it, and allow it."
        said = f"{asker.title} may not use your account at {key} yet."
        raise ConsentRequired(said, hint=hint, next_step=None if hint else step, scopes=wanted)

    def give(
        self, key: AccountKey, person: str, asker: Asker, scopes: Iterable[str], lasts: str
    ) -> Consent:
        """Note that the person agrees, for as long as ``LASTS`` says."""
        seconds, now = LASTS[lasts], self._clock()
        given = Consent(
            provider=key.provider,
            session_key=key.session_key,
            notebook=asker.notebook,
            scopes=_named(scopes),
            given_at=now,
            until=None if seconds is None else now + seconds,
            kernel=asker.kernel if lasts == "session" else None,
            person=person,
        )
        with self._store.change() as entries:
            kept = [each for each in self._lasting(entries) if not _replaces(given, each)]
            entries[:] = [*kept, given][-MOST:]
        return given

    def signed_in(self, account: Account, notebook: str | None, kernel: str | None) -> None:
        """Note that a person signed in for a notebook, which the login's page said.

        What another person agreed to under the same key ends, and what may be another's: of some
        accounts nobody can tell. Programs, and the panel, say no name: nothing is agreed for all of
        these.
        """
        who = None if account.person.startswith("?") else account.person
        with self._store.change() as entries:
            entries[:] = [x for x in entries if x.key != account.key or x.person == who]
        if not notebook:
            return
        more = [scope for each in account.resources.values() for scope in each.scopes]
        scopes = (*account.scopes, *account.resources, *more)
        asker = Asker(notebook, kernel)
        self.give(account.key, account.person, asker, scopes, "always")

    def revoke(self, key: AccountKey, notebook: str | None = None) -> bool:
        """End a notebook's consents, or with None all of the account's. False: there were none."""
        with self._store.change() as entries:
            before = len(entries)
            gone = [x for x in entries if x.key == key and notebook in {None, x.notebook}]
            entries[:] = [each for each in entries if each not in gone]
        if gone:
            self._changed(key)
        return len(entries) < before

    def end(self, keys: Iterable[AccountKey]) -> None:
        """End all consents for these accounts."""
        for key in keys:
            self.revoke(key)

    def watch(self) -> None:
        """Start watching for changes."""
        if self._seen is None:
            self._seen = self.all()

    def poll(self) -> None:
        """Report what other processes revoked, and what has ended."""
        before, self._seen = self._seen or [], self.all()
        gone = [each for each in before if each not in self._seen]
        for key in sorted({each.key for each in gone}):
            self._changed(key)

    def ended(self) -> bool:
        """Whether one has ended since ``poll``, though nothing was changed."""
        return self._seen is not None and self._lasting(self._seen) != self._seen

    def _lasting(self, entries: Iterable[Consent]) -> list[Consent]:
        now = self._clock()
        return [each for each in entries if each.until is None or now < each.until]


def declined(key: AccountKey, asker: Asker) -> ConsentRequired:
    """The error of a person's no."""
    return ConsentRequired(
        f"{asker.title} was not allowed to use the account at {key}.", next_step=START_AGAIN
    )


def _covers(
    consent: Consent, key: AccountKey, person: str, asker: Asker, scopes: tuple[str, ...]
) -> bool:
    mine = (consent.key, consent.person, consent.notebook) == (key, person, asker.notebook)
    kernel = consent.kernel in {None, asker.kernel}
    return mine and kernel and {*scopes} <= {*consent.scopes}


def _replaces(new: Consent, old: Consent) -> bool:
    same = replace(new, scopes=old.scopes, given_at=old.given_at, until=old.until) == old
    return same and {*old.scopes} <= {*new.scopes}


def _named(*groups: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for group in groups for each in group if each))
