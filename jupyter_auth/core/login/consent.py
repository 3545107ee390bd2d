"""A login that asks a person whether a notebook may use an account: no provider is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.consent.consents import GRANT, Asker, declined

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.consent.consents import Consents
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.models import AccountInfo, AccountKey, Login, LoginRequest


class ConsentGrant:
    """Drives the logins whose grant is ``consent``. ``find`` returns an account, if signed in."""

    def __init__(
        self,
        logins: Logins,
        consents: Consents,
        find: Callable[[AccountKey], AccountInfo | None],
    ) -> None:
        self._logins = logins
        self._consents = consents
        self._find = find

    def begin(self, asked: LoginRequest) -> Login:
        """The pending question of this notebook and kernel alone."""
        return self._logins.begin(asked, GRANT, "", f"{asked.kernel} {asked.notebook}")

    def agree(self, login_id: str, lasts: str) -> Login:
        """Let the notebook that asks use the account, or with "" not: then it is ``denied``.

        ``lasts`` is one of ``consents.LASTS``. Raises as ``Engine.open``.
        """
        login, purpose = self._logins.get(login_id), self._logins.purpose(login_id)
        account, asker = self._find(login.key), Asker(login.notebook or "", login.kernel)
        if account is None or not lasts:
            return self._logins.end(login_id, "denied", declined(login.key, asker))
        self._consents.give(login.key, account.person, asker, purpose.scopes, lasts)
        return self._logins.end(login_id, "complete")
