"""The authorization code grant (RFC 6749 4.1): a browser goes to the provider and comes back."""

from __future__ import annotations

import dataclasses
import secrets
from typing import TYPE_CHECKING

from jupyter_auth.core.errors import START_AGAIN, AuthError, LoginFailed
from jupyter_auth.core.login import grants, shared_redirect_uris
from jupyter_auth.core.login.finish import Completion, FindParty, GrantDriver, asked_scopes
from jupyter_auth.core.login.login_store import AuthorizationResponse, Binding, Opening
from jupyter_auth.core.login.openings import binding_name, digest
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol import authorization_response, oauth, token_fields
from jupyter_auth.core.protocol.oauth_response import ScopesRefused, refusal
from jupyter_auth.core.protocol.token_endpoint import ClientForgotten

if TYPE_CHECKING:
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.registration.clients import Clients


class AuthorizationCodeGrant(GrantDriver):
    """Drives logins by authorization code."""

    def __init__(
        self, completion: Completion, party: FindParty, providers: Providers, clients: Clients
    ) -> None:
        super().__init__(completion, party)
        self._providers = providers
        self._clients = clients

    def begin_silent(self, provider: str, onward: str) -> Login:
        """A login in which the provider asks nothing; the browser then goes on to ``onward``.

        Raises:
            ConfigurationError: the provider cannot do that, or a person has to complete it first.
        """
        party = self._party(provider)
        grant = grants.chosen(party, "authorization_code")
        if "client_id" in self._clients.missing(party, grant):
            party.require_client()
        host = grants.destination(party, grant)
        browser = secrets.token_urlsafe()  # else an answer to one would end another's
        return self.logins.begin(LoginRequest(provider), grant, host, browser, onward=onward)

    def open(
        self, login_id: str, redirect_uri: str, user: str, state_suffix: str
    ) -> tuple[str, Binding]:
        """See ``Engine.open``."""
        return self._completion.attempt(
            login_id, lambda: self._open(login_id, redirect_uri, user, state_suffix)
        )

    def _open(
        self, login_id: str, redirect_uri: str, user: str, state_suffix: str
    ) -> tuple[str, Binding]:
        purpose = self.logins.purpose(login_id)
        party = self._party(purpose.key.provider)
        if grants.destination(party, purpose.grant) != purpose.host:
            raise LoginFailed(
                f"The sign-in page of {party.provider.title} is no longer at {purpose.host}.",
                next_step=START_AGAIN,
            )
        names = shared_redirect_uris.others_at(self._providers, purpose.key.provider, redirect_uri)
        others = map(self._party_or_none, names)
        names_issuer = shared_redirect_uris.must_name_issuer(party, others, redirect_uri)
        scopes = asked_scopes(purpose, party)
        party = self._clients.for_sign_in(party, redirect_uri, scopes)
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
            client_id=party.registered.client_id if party.registered else None,
        )
        url = oauth.authorization_url(
            party,
            redirect_uri=redirect_uri,
            scopes=scopes,
            state=state,
            nonce=opening.nonce,
            verifier=opening.verifier,
            login_hint=purpose.username,
            challenge=purpose.challenge,
            resource=purpose.resource,
            **party.prompts(scopes, force=purpose.force, silent=bool(purpose.onward)),
        )
        self.logins.add_opening(login_id, state, opening)
        return url, Binding(binding_name(state), binding)

    def _party_or_none(self, name: str) -> Party | None:
        try:
            return self._party(name)
        except AuthError:
            return None

    def finish(self, response: AuthorizationResponse) -> Login:
        """See ``Engine.finish``."""
        unsigned = not response.state and "error" in response.params
        if unsigned and (left := self.logins.left_by(response)):
            return self._without_state(left, response)
        login, opening = self.logins.take_opening(response)
        return self._completion.outcome(login.id, lambda: self._complete(login, opening, response))

    def fail(self, response: AuthorizationResponse, error: AuthError) -> Login:
        """End the login that a response belongs to, which could not be finished here."""
        login, _ = self.logins.take_opening(response)
        return self.logins.end(login.id, "failed", error)

    def _without_state(self, left: list[Login], response: AuthorizationResponse) -> Login:
        """Anyone can send a browser here so: the words are shown, and no login ends by them."""
        title = self._providers.info(left[-1].provider).title
        words = LoginFailed(
            f"The browser came back from {title} with an error: {refusal(response.params)}.",
            hint="This sign-in is still pending. Change what it says there, then open the link"
            " again.",
        )
        return [self.logins.add_words(each.id, words) for each in left][-1]

    def _complete(self, login: Login, opening: Opening, response: AuthorizationResponse) -> Login:
        if login.status != "pending":  # another opening was the first
            return login
        purpose = self.logins.purpose(login.id)
        party = self._party(login.provider, opening.client_id)
        party.check_unchanged(opening.fingerprint)
        authorization_response.check_issuer(
            party, opening.issuer, response.params, names_itself=opening.names_issuer
        )
        try:
            code = authorization_response.code(party, response.params)
            answer = oauth.exchange(
                party,
                code=code,
                verifier=opening.verifier,
                redirect_uri=opening.redirect_uri,
                resource=purpose.resource,
            )
        except ClientForgotten as error:
            self._clients.doubt(party)
            raise LoginFailed(error.message, next_step=START_AGAIN) from None
        except ScopesRefused:  # the browser is sent there again: the login stays as it is
            if not (fewer := self.without_offline_access(purpose, party)):
                raise
            return self.logins.narrow(login.id, fewer)
        said = token_fields.of_response(dict(response.params), [code])
        answer = dataclasses.replace(answer, redirect_fields=said)
        return self._completion.keep(
            login, purpose, party, answer, confirm_by=response.confirm_by, nonce=opening.nonce
        )
