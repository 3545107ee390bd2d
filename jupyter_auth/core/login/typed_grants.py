"""The ways in that a person types or pastes into: on a page of ours, or in a terminal.

What is typed goes to the host that was shown to the person, or nowhere, and is kept nowhere.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.errors import ConfigurationError, LoginFailed
from jupyter_auth.core.login import grants
from jupyter_auth.core.protocol import oauth, pasted_code
from jupyter_auth.core.tokens import api_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.login.finish import Completion
    from jupyter_auth.core.login.login_store import LoginPurpose
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.secret import Secret


class TypedGrants:
    """The drivers of those logins. ``party`` finds a provider that may be typed for, by name.

    Each method raises the login's outcome where it is not pending. Whatever else it raises leaves
    the login open: the person may try again. ``host`` is the one that the person was shown.
    """

    def __init__(
        self,
        logins: Logins,
        completion: Completion,
        party: Callable[[str], Party],
        providers: Providers,
        clock: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._providers = providers
        self._logins = logins
        self._completion = completion
        self._party = party

    def host(self, login_id: str) -> str:
        """Where what is typed goes: to be shown before. ConfigurationError: it may not be typed."""
        request = self._logins.request(login_id)
        return grants.host(self._party(request.key.provider), request.grant)

    def missing(self, login_id: str) -> tuple[str, ...]:
        """What a person has to give of the registration first: ``client_id``, ``client_secret``.

        Nothing where that is not theirs to give: only a preset is completed.
        """
        request = self._logins.request(login_id)
        name = request.key.provider
        if not self._providers.completable(name):
            return ()
        return grants.missing(self._providers.get(name), request.grant)

    def alternatives(self, login_id: str) -> tuple[str, ...]:
        """The grants that this login could go on by instead; none of a provider made in code."""
        login = self._logins.get(login_id)
        if self._providers.info(login.provider).source == "code":
            return ()
        return grants.alternatives(self._providers.get(login.provider), login.grant)

    def choose(self, login_id: str, grant: str) -> Login:
        """Go on by another grant, and prefer it from now on where a person may say so.

        ConfigurationError: the provider has no such grant.
        """
        name = self._logins.request(login_id).key.provider
        party = self._party(name)
        host = grants.destination(party, grants.chosen(party, grant))
        with contextlib.suppress(ConfigurationError):  # then it is chosen for this once
            self._providers.prefer(name, grant)
        return self._logins.change_grant(login_id, grant, host)

    @forgetful
    def set_up(
        self,
        login_id: str,
        fields: Mapping[str, str | Secret],
        *,
        host: str,
        grant: str | None = None,
    ) -> None:
        """Keep what was missing of the registration: the secret in a file of this user's alone.

        ``grant``: what the registration is for, where that was asked. ConfigurationError: it is
        not all that is missing, or cannot be kept.
        """
        request = self._logins.request(login_id)
        party = self._party(request.key.provider)
        if not (wanted := self.missing(login_id)) or set(wanted) != fields.keys():
            raise ConfigurationError(
                "The provider's configuration has changed since this page was loaded. Nothing was"
                " saved.",
                hint="Reload the page.",
            )
        _check_host(party, request.grant, host)
        self._providers.save(request.key.provider, fields)
        if grant:
            self.choose(login_id, grant)

    @forgetful
    def password(self, login_id: str, username: str, password: Secret, *, host: str) -> Login:
        """Sign in with user name and password (RFC 6749 4.3), a way of old applications.

        LoginFailed: they were refused. UserMismatch: they are somebody else's than asked for.
        """
        login, request, party = self._asked(login_id, "password", host)
        scopes = request.scopes or party.default_scopes
        answer = oauth.password(party, username, password, scopes)
        return self._completion.keep(
            login, request, party, answer, confirm_by=None, username=username
        )

    @forgetful
    def paste(
        self, login_id: str, text: Secret, *, host: str, confirm_by: str | None = None
    ) -> Login:
        """Spend a pasted code. The login then names its ``candidate``: nothing is stored yet.

        ``confirm_by``: as in ``AuthorizationResponse``, but None lets whoever drives this engine
        say yes.
        LoginFailed: it is no code, or was refused. ConfigurationError: it wants to be sent to a
        host that is not the provider's. UserMismatch: it is somebody else's than asked for.
        """
        login, request, party = self._asked(login_id, "paste", host)
        found = pasted_code.parse(text.reveal())
        if found.endpoint:
            party = party.at(found.endpoint)
        answer = oauth.redeem(party, found.code)
        account = self._completion.account(request, party, answer, token_endpoint=found.endpoint)
        return self._logins.hold(login.id, account, confirm_by)

    @forgetful
    def api_key(self, login_id: str, parts: Mapping[str, Secret], *, host: str) -> Login:
        """Keep a static key in memory. It does not say whose it is: that is taken at its word.

        LoginFailed: it is no key.
        """
        login, request, party = self._asked(login_id, "api_key", host)
        account = api_key.as_account(
            party.provider,
            request.key,
            parts,
            now=self._clock(),
            username=request.username,
        )
        return self._completion.keep_account(login.id, party, account)

    def _asked(self, login_id: str, grant: str, host: str) -> tuple[Login, LoginPurpose, Party]:
        request = self._logins.request(login_id)
        party = self._party(request.key.provider)
        if request.grant != grant:
            raise LoginFailed(f"This sign-in does not use the {grant} grant.", hint="Start again.")
        _check_host(party, grant, host)
        return self._logins.get(login_id), request, party


def _check_host(party: Party, grant: str, host: str) -> None:
    if host != grants.host(party, grant):
        raise LoginFailed(
            "The provider was configured anew meanwhile. Nothing was sent.",
            hint="Reload the page, and look where it goes to.",
        )
