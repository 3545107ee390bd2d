"""Providers together with their endpoints."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import host_of, require_secure
from jupyter_auth.core.errors import START_AGAIN, ConfigurationError, LoginFailed, NextStep
from jupyter_auth.core.provider import guides
from jupyter_auth.core.provider.client_credentials import missing_package
from jupyter_auth.core.provider.resources import require_allowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from jupyter_auth.core.protocol.discovery import Discovery
    from jupyter_auth.core.provider.field_types import ClientAuth, Endpoints
    from jupyter_auth.core.provider.provider import Provider
    from jupyter_auth.core.provider.registry import Providers
    from jupyter_auth.core.secret import Secret


OFFLINE = "offline_access"  # the scope for a refresh token (OIDC Core 11)
SILENT = "none"  # the prompt that asks a person nothing (OIDC Core 3.1.2.1)
MAX_SHOWN = 300  # characters


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client that is not in the configuration: it registered itself (see ``registration``)."""

    client_id: str
    client_secret: Secret | None = None
    client_auth: ClientAuth = "none"


@dataclass(frozen=True, kw_only=True)
class Party:
    """A provider and its endpoints. ``advice``: what to do if it rejects the client credentials.

    ``registered``: the client that registered itself, where the provider is without one.
    """

    provider: Provider
    endpoints: Endpoints
    advice: str = ""
    registered: Client | None = None

    @property
    def client(self) -> Client | Provider:
        """What has the client's ID, secret and way of authentication."""
        return self.registered or self.provider

    @property
    def client_id(self) -> str:
        """The registered client ID. Raises ConfigurationError if there is none.

        A token exchange can do without, as at Google's: then it is "" (RFC 8693 2.1).
        """
        if not self.client.client_id:
            if self.provider.exchange:
                return ""
            raise ConfigurationError(
                f"Provider {self.provider.name!r} has no client ID.",
                hint=guides.in_short(self.provider),
                next_step=NextStep("add_provider", self.provider.name),
            )
        return self.client.client_id

    def require_client(self) -> None:
        """Raise a ConfigurationError if the client ID, or a package's secret, is missing."""
        if problem := missing_package(self.provider):
            raise problem
        _ = self.client_id, self.uses_pkce

    @property
    def is_public(self) -> bool:
        """Whether the client has no secret to show (RFC 6749 2.1), or one that a package brings."""
        known = self.provider.credentials_from is not None
        return known or self.client.client_auth == "none" or not self.client.client_secret

    @property
    def uses_pkce(self) -> bool:
        """Whether codes are bound to this client by PKCE (RFC 7636).

        Raises:
            ConfigurationError: it is off for a public client, whose codes nothing else protects.
        """
        used = self.provider.pkce is not False
        if not used and self.is_public:
            raise ConfigurationError(
                f"Provider {self.provider.name!r} has `pkce` off, but no client secret.",
                hint="Leave `pkce` on, or give the client secret: without both, a stolen code is"
                " enough to sign in (RFC 9700 2.1.1).",
            )
        return used

    def prompts(
        self, scopes: Sequence[str], *, force: bool, silent: bool = False
    ) -> dict[str, str]:
        """What of the authorization request makes the provider ask a person (OIDC Core 3.1.2.1).

        ``offline_access`` needs consent (11), unless a ``prompt`` is configured. Where one is, the
        provider may not know ``login``, or take one word only: ``max_age`` says the same, and who
        does not know it ignores it. ``silent``: nothing may ask; then this stands alone.
        """
        if silent:
            return {"prompt": SILENT}
        configured = self.provider.authorize_params.get("prompt")
        if force and configured and not self.provider.force_prompt:
            return {"max_age": "0"}
        words = [self.provider.force_prompt or "login"] if force else []
        if configured is None and self.endpoints.jwks_uri and {"openid", OFFLINE} <= {*scopes}:
            words.append("consent")
        return {"prompt": " ".join(words)}

    @property
    def other_scopes(self) -> str:
        """What to do if the provider refuses the scopes."""
        offered = plain_text(" ".join(self.endpoints.scopes_supported), MAX_SHOWN)
        return (
            f"Request other scopes: leave out {OFFLINE}, or what this client may not have. The"
            f" provider offers: {offered or 'it does not say'}."
        )

    @property
    def default_scopes(self) -> tuple[str, ...]:
        """The configured scopes, else those that identify people and keep them signed in."""
        if self.provider.scopes:
            return self.provider.scopes
        wanted = ("openid", "profile", "email", OFFLINE)
        # `openid` need not be listed (RFC 8414 2); an issuer with keys signs ID tokens.
        known = {"openid"} if self.endpoints.jwks_uri else set()
        return tuple(s for s in wanted if s in known.union(self.endpoints.scopes_supported))

    def joined(self, scopes: Sequence[str]) -> str:
        """The scopes as a request has them (RFC 6749 3.3). Raises as ``require_allowed``."""
        require_allowed(self.provider, scopes)
        return (self.provider.scope_separator or " ").join(scopes)

    @property
    def without_userinfo(self) -> Party:
        """For tokens that are for another API than the one that says who signed in."""
        provider = dataclasses.replace(self.provider, username_url=None)
        endpoints = dataclasses.replace(self.endpoints, userinfo_endpoint=None)
        return dataclasses.replace(self, provider=provider, endpoints=endpoints)

    def at(self, token_endpoint: str) -> Party:
        """The provider with a token endpoint that came with a pasted code.

        Raises:
            ConfigurationError: its host is not in the provider's configuration (SECURITY 3).
        """
        allowed = self.provider.paste.hosts if self.provider.paste else ()
        try:
            netloc = host_of(require_secure(token_endpoint, "token endpoint"))
        except ConfigurationError:
            netloc = ""
        if netloc not in allowed:
            raise ConfigurationError(
                f"The pasted text asks to send the code to {netloc or 'no usable address'}, which"
                f" does not belong to {self.provider.title}. Nothing was sent.",
                hint=f"Copy it from {self.provider.title}'s own page; or, if that host is right,"
                " add it to paste.hosts of the provider.",
            )
        endpoints = dataclasses.replace(
            self.endpoints, token_endpoint=token_endpoint, refresh_endpoint=None
        )
        return dataclasses.replace(self, endpoints=endpoints)

    def check_unchanged(self, fingerprint: str) -> None:
        """Raise LoginFailed if a login began with another configuration."""
        if self.provider.fingerprint != fingerprint:
            raise LoginFailed("The provider's configuration has changed.", next_step=START_AGAIN)

    def endpoint(self, name: str) -> str:
        """The URL of an endpoint. Raises ConfigurationError if there is none."""
        url = getattr(self.endpoints, name)
        if not url:
            raise ConfigurationError(
                f"Provider {self.provider.name!r} has no {name}.",
                hint="Give it in `endpoints` of the provider, if there is one.",
            )
        return str(url)


class Parties:
    """``trusts_code``: whether a provider made in code may get what the person types.

    ``with_client`` adds the client of that ID, which registered itself.
    """

    def __init__(
        self,
        providers: Providers,
        discovery: Discovery,
        *,
        trusts_code: bool,
        with_client: Callable[[Party, str], Party],
    ) -> None:
        self._providers = providers
        self._discovery = discovery
        self._trusts_code = trusts_code
        self._with_client = with_client

    def at(self, provider: Provider, client_id: str | None = None) -> Party:
        """This provider with its endpoints. Raises as ``Discovery.endpoints``.

        ``client_id``: of the client that registered itself, for what was issued to it.
        """
        party = Party(provider=provider, endpoints=self._discovery.endpoints(provider))
        return self._with_client(party, client_id) if client_id else party

    def of(self, name: str, client_id: str | None = None) -> Party:
        """The one of that name. Raises as ``Providers.get``, and as ``at``."""
        party = self.at(self._providers.get(name), client_id)
        problem = self._providers.unused_secret(name)
        return dataclasses.replace(party, advice=str(problem)) if problem else party

    def typed(self, name: str, client_id: str | None = None) -> Party:
        """The one to send typed credentials to, never one of a notebook (SECURITY 10)."""
        if not self._trusts_code and self._providers.info(name).source == "code":
            raise ConfigurationError(
                f"{plain(name)!r} was made in a notebook, so credentials can't be entered for it.",
                hint="Configure it in c.JupyterAuth.providers, or add it.",
                next_step=NextStep("add_provider", plain(name)),
            )
        return self.of(name, client_id)
