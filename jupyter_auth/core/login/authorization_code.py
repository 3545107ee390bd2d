"""The authorization code grant (RFC 6749 4.1): a browser leaves for the provider and comes back."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import AuthError, LoginFailed
from jupyter_auth.core.login import grants, shared_redirect_uris
from jupyter_auth.core.login.login_store import AuthorizationResponse, Binding, Opening
from jupyter_auth.core.login.openings import binding_name, digest
from jupyter_auth.core.protocol import authorization_response, oauth

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyter_auth.core.login.finish import Completion
    from jupyter_auth.core.login.logins import Logins
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers


class AuthorizationCodeGrant:
    """The driver of those logins. ``party`` is where one of ``providers`` answers, by name."""

    def __init__(
        self,
        logins: Logins,
        completion: Completion,
        party: Callable[[str], Party],
        providers: Providers,
    ) -> None:
        self._logins = logins
        self._completion = completion
        self._party = party
        self._providers = providers

    def open(
        self, login_id: str, redirect_uri: str, user: str, state_suffix: str
    ) -> tuple[str, Binding]:
        """As ``Engine.open``."""
        request = self._logins.request(login_id)
        party = self._party(request.key.provider)
        if grants.destination(party, request.grant) != request.host:
            raise LoginFailed(
                f"{party.provider.title} sends people elsewhere than to {request.host} now.",
                hint="Start again.",
            )
        names = shared_redirect_uris.others_at(self._providers, request.key.provider, redirect_uri)
        others = map(self._party_or_none, names)
        names_issuer = shared_redirect_uris.must_name_issuer(party, others, redirect_uri)
        party = authorization_response.at_origin(party, redirect_uri)
        state, binding = secrets.token_urlsafe(32) + state_suffix, secrets.token_urlsafe(32)
        opening = Opening(
            verifier=oauth.new_verifier(),
            nonce=secrets.token_urlsafe(32),
            binding=digest(binding),
            redirect_uri=redirect_uri,
            user=user,
            fingerprint=party.provider.fingerprint,
            issuer=party.endpoints.issuer,
            names_issuer=names_issuer,
        )
        url = oauth.authorization_url(
            party,
            redirect_uri=redirect_uri,
            scopes=request.scopes or party.default_scopes,
            state=state,
            nonce=opening.nonce,
            verifier=opening.verifier,
            prompt="login" if request.force else None,
            login_hint=request.username,
        )
        self._logins.add_opening(login_id, state, opening)
        return url, Binding(binding_name(state), binding)

    def _party_or_none(self, name: str) -> Party | None:
        try:
            return self._party(name)
        except AuthError:
            return None

    def provider_of(self, state: str) -> str | None:
        """Which provider a callback's state is for. None: not known (any more)."""
        return self._logins.provider_of(state)

    def finish(self, response: AuthorizationResponse) -> Login:
        """As ``Engine.finish``."""
        login, opening = self._logins.take_opening(response)
        return self._completion.outcome(login.id, lambda: self._complete(login, opening, response))

    def _complete(self, login: Login, opening: Opening, response: AuthorizationResponse) -> Login:
        if login.status != "pending":  # another opening was the first
            return login
        request = self._logins.request(login.id)
        party = self._party(login.provider)
        party.check_unchanged(opening.fingerprint)
        authorization_response.check_issuer(
            party, opening.issuer, response.params, names_itself=opening.names_issuer
        )
        code = authorization_response.code(party, response.params)
        answer = oauth.exchange(
            party, code=code, verifier=opening.verifier, redirect_uri=opening.redirect_uri
        )
        return self._completion.keep(
            login, request, party, answer, confirm_by=response.confirm_by, nonce=opening.nonce
        )
