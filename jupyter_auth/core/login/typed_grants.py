"""Grants for which a person types or pastes something: on a page of ours, or in a terminal.

What is typed is sent to the host that the person was shown, or nowhere. It is not stored.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from jupyter_auth.core.common.tracebacks import forgetful
from jupyter_auth.core.errors import START_AGAIN, ConfigurationError, LoginFailed, NextStep
from jupyter_auth.core.login import grants
from jupyter_auth.core.login.finish import Completion, FindParty, GrantDriver, asked_scopes
from jupyter_auth.core.login.loopback.uris import can_listen
from jupyter_auth.core.protocol import oauth, pasted_code
from jupyter_auth.core.protocol.oauth_response import ScopesRefused
from jupyter_auth.core.tokens import api_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.login.login_store import LoginPurpose
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.registration.clients import Clients
    from jupyter_auth.core.secret import Secret


class TypedGrants(GrantDriver):
    """Drives those logins, at providers for which credentials may be typed.

    ``party_at``: of a provider that is not saved yet.

    Each method raises the login's outcome if it is not pending. After any other error the login
    stays open, and the person may try again. ``host`` is the one that the person was shown.
    """

    def __init__(
        self,
        completion: Completion,
        party: FindParty,
        party_at: Callable[[Provider], Party],
        providers: Providers,
        *,
        clients: Clients,
        clock: Callable[[], float],
    ) -> None:
        super().__init__(completion, party)
        self._party_at = party_at
        self._clients = clients
        self._providers = providers
        self._clock = clock

    def host(self, login_id: str) -> str:
        """Where input is sent, to be shown first; ``ConfigurationError`` if it may not be typed."""
        purpose = self.logins.purpose(login_id)
        return grants.host(self._party(purpose.key.provider), purpose.grant)

    def missing(self, login_id: str) -> tuple[str, ...]:
        """What the person must add first: placeholders (``set.host``), and when those have values
        the client registration. See ``Clients.missing``.

        Empty where they may not: only what a preset or a person's own definition lacks is added.
        """
        purpose = self.logins.purpose(login_id)
        name = purpose.key.provider
        if not (lacking := self.incomplete(login_id)):
            return ()
        if unset := [each for each in lacking if each.startswith("set.")]:
            return tuple(unset)  # its address is not known yet
        return self._clients.missing(self._party(name), purpose.grant)

    def incomplete(self, login_id: str) -> tuple[str, ...]:
        """What may be ``missing``, as far as can be said without asking the provider."""
        purpose = self.logins.purpose(login_id)
        name = purpose.key.provider
        lacking = self._providers.outline(name).missing(purpose.grant)
        return lacking if lacking and self._providers.completable(name) else ()

    def lacking(self, login_id: str) -> tuple[tuple[str, ...], str]:
        """What is ``missing``, and why the client did not register itself, if it tried."""
        if "client_id" not in (missing := self.missing(login_id)):
            return missing, ""
        name = self.logins.purpose(login_id).key.provider
        return missing, self._clients.problem(self._party(name))

    def alternatives(self, login_id: str) -> tuple[str, ...]:
        """The grants that this login can switch to; none for a provider made in code."""
        login = self.logins.get(login_id)
        if self._providers.info(login.provider).source == "code":
            return ()
        return grants.alternatives(self._providers.get(login.provider), login.grant)

    def choose(self, login_id: str, grant: str) -> Login:
        """Switch to another grant, and prefer it from now on if the person may configure that.

        Raises:
            ConfigurationError: the provider does not support it.
        """
        name = self.logins.purpose(login_id).key.provider
        party = self._party(name)
        host = grants.destination(party, grants.chosen(party, grant))
        with contextlib.suppress(ConfigurationError):  # then for this login only
            self._providers.prefer(name, grant)
        return self.logins.change_grant(login_id, grant, host)

    def fill_in(self, login_id: str, values: Mapping[str, str]) -> Login:
        """Save values of placeholders, if the provider is there; the login goes on by its grant.

        Raises:
            ConfigurationError: they cannot be values, it is not there, or may not be changed.
            ProviderUnavailable: it does not answer there.
        """
        purpose = self.logins.purpose(login_id)
        name, given = purpose.key.provider, {"set": values}
        party = self._party_at(self._providers.changed(name, given))
        wanted = purpose.grant if purpose.grant in grants.offered(party) else None
        grant = grants.chosen(party, wanted)
        host = grants.destination(party, grant)
        self._providers.save(name, given)
        return self.logins.change_grant(login_id, grant, host)

    @forgetful
    def set_up(
        self,
        login_id: str,
        fields: Mapping[str, str | Secret],
        *,
        host: str,
        grant: str | None = None,
        redirect_uri: str = "",
    ) -> None:
        """Save what was missing of the client registration, the secret in a private file.

        ``grant``: the one that the client is registered for, if the person was asked.
        ``redirect_uri``: the one that the person was told; of a Jupyter server on their own machine
        it is saved too, as scripts can listen there.

        Raises:
            ConfigurationError: the fields are not the missing ones, or cannot be saved.
        """
        purpose = self.logins.purpose(login_id)
        party = self._party(purpose.key.provider)
        if not (wanted := self.missing(login_id)) or set(wanted) != fields.keys():
            raise ConfigurationError(
                "The provider's configuration has changed since this page was loaded. Nothing was"
                " saved.",
                next_step=NextStep("reload"),
            )
        _check_host(party, purpose.grant, host)
        if "client_id" in fields and party.provider.register and can_listen(redirect_uri):
            fields = {**fields, "redirect_uri": party.provider.redirect_uri or redirect_uri}
        self._providers.save(purpose.key.provider, fields)
        if grant:
            self.choose(login_id, grant)

    def editable(self, login: Login) -> bool:
        """Whether the person may change the client registration that this login uses, or used."""
        return login.grant != "api_key" and self._providers.editable(login.provider)

    def kept_secret(self, login: Login) -> Secret | None:
        """The person's own client secret, which stays unless ``edit`` is given another."""
        known = self._providers.outline(login.provider)
        return None if known.credentials_from else known.client_secret

    @forgetful
    def edit(
        self, login_id: str, fields: Mapping[str, str | Secret], *, host: str, grant: str | None
    ) -> Login:
        """Change the client registration of a preset or a provider of one's own; the login goes on.

        The client secret stays if there is none in ``fields``, an empty one is forgotten. ``grant``
        is the one that the client is registered for. Accounts of another client stay stored, and
        are not used.

        Raises:
            ConfigurationError: it may not be changed, or cannot be saved.
        """
        login, name = self.logins.get(login_id), self.logins.purpose(login_id).key.provider
        if not self.editable(login):
            raise ConfigurationError(
                f"The registration of {name!r} can't be changed here. Nothing was saved.",
                hint="Ask its administrator, or change it where it is configured.",
            )
        _check_host(self._party(name), login.grant, host)
        if "client_secret" not in fields and (kept := self.kept_secret(login)):
            fields = {**fields, "client_secret": kept}
        self._providers.save(name, fields)
        if grant:
            self._providers.prefer(name, grant)
        party = self._party(name)
        chosen = grants.chosen(party, grant or login.grant)
        return self.logins.change_grant(login_id, chosen, grants.destination(party, chosen))

    @forgetful
    def password(self, login_id: str, username: str, password: Secret, *, host: str) -> Login:
        """Sign in with user name and password (RFC 6749 4.3, a legacy grant).

        Raises:
            LoginFailed: they were rejected.
            UserMismatch: they are another person's than was asked for.
        """
        login, purpose, party = self._asked(login_id, "password", host)

        def step() -> Login:
            scopes = asked_scopes(purpose, party)
            try:
                answer = oauth.password(party, username, password, scopes, purpose.resource)
            except ScopesRefused:
                if not (fewer := self.without_offline_access(purpose, party)):
                    raise
                answer = oauth.password(party, username, password, fewer, purpose.resource)
            return self._completion.keep(
                login, purpose, party, answer, confirm_by=None, username=username
            )

        return self._completion.attempt(login_id, step)

    @forgetful
    def paste(
        self, login_id: str, text: Secret, *, host: str, confirm_by: str | None = None
    ) -> Login:
        """Exchange a pasted code. The login then has a ``candidate``; nothing is stored yet.

        ``confirm_by``: as in ``AuthorizationResponse``; None: it is confirmed without a proof.

        Raises:
            LoginFailed: the text is not a code, or the code was rejected.
            ConfigurationError: the text names a host that is not the provider's.
            UserMismatch: it is another person's than was asked for.
        """
        login, purpose, party = self._asked(login_id, "paste", host)
        found = pasted_code.parse(text.reveal())

        def step() -> Login:
            there = party.at(found.endpoint) if found.endpoint else party
            answer, at = oauth.redeem(there, found.code), found.endpoint
            account = self._completion.account(purpose, there, answer, token_endpoint=at)
            return self.logins.hold(login.id, account, confirm_by)

        return self._completion.attempt(login_id, step)

    @forgetful
    def api_key(self, login_id: str, parts: Mapping[str, Secret], *, host: str) -> Login:
        """Keep a static API key in memory. It does not say whose it is: nothing is checked.

        Raises:
            LoginFailed: it is not a key.
        """
        login, purpose, party = self._asked(login_id, "api_key", host)
        account = api_key.as_account(
            party.provider, purpose.key, parts, now=self._clock(), username=purpose.username
        )
        return self._completion.attempt(
            login_id, lambda: self._completion.keep_account(login.id, party, account)
        )

    def _asked(self, login_id: str, grant: str, host: str) -> tuple[Login, LoginPurpose, Party]:
        purpose = self.logins.purpose(login_id)
        party = self._party(purpose.key.provider)
        if purpose.grant != grant:
            raise LoginFailed(
                f"This sign-in does not use the {grant} grant.", next_step=START_AGAIN
            )
        _check_host(party, grant, host)
        return self.logins.get(login_id), purpose, party


def _check_host(party: Party, grant: str, host: str) -> None:
    if host != grants.host(party, grant):
        raise LoginFailed(
            "The provider's configuration has changed. Nothing was sent.",
            hint="Check where it goes before you enter it again.",
            next_step=NextStep("reload"),
        )
