"""A provider: an authorization server with one client registration, as frozen data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from jupyter_auth.core.common.handles import NAME
from jupyter_auth.core.common.urls import (
    at_port,
    host_of,
    hostname_of,
    origin_of,
    same_place,
    takes_any_port,
)
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import binding, resources
from jupyter_auth.core.provider.field_types import URLS, Endpoints, Service
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.core.provider.kinds import FieldPath, read_field
from jupyter_auth.core.provider.provider_fields import ProviderFields
from jupyter_auth.core.record import fields, record, replace

if TYPE_CHECKING:
    from jupyter_auth.core.common.blocked_addresses import RequestRules


@record(frozen=True, kw_only=True)
class Provider(ProviderFields):
    """An authorization server with one client registration. Data, never a subclass.

    Give ``issuer``, and everything else is discovered (OIDC Discovery, RFC 8414); or ``endpoints``.
    Strings, lists and plain mappings are accepted for secrets, tuples and tables (``Header``,
    ``Throttle`` ...). ``ProviderFields`` says what each field means.

    Raises:
        ConfigurationError: names the field that cannot work, without its value.
    """

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ConfigurationError(
                f"{self.name!r} is not a valid provider name.",
                hint="Use up to 64 lower-case letters, digits, dots, dashes or underscores.",
            )
        for each in fields(self):
            path = FieldPath(self.name, each.name)
            vars(self)[each.name] = read_field(each, getattr(self, each.name), path)
        found = self.issuer or self.metadata_url
        if not found and not (self.endpoints and self.endpoints.token_endpoint):
            raise ConfigurationError(
                f"Provider {self.name!r} has no issuer and no token endpoint.",
                hint="Give its issuer URL, or its endpoints with a token_endpoint.",
            )
        for name, value in self.derived.items():
            vars(self)[name] = getattr(self, name) or value
        if self.policy:
            service = (self.service and self.service.scopes) or ()
            for scopes in (self.scopes, service, *(r.scopes for r in self.resources.values())):
                resources.require_allowed(self, scopes)
            for resource in filter(None, (self.resource, *self.resources)):
                resources.require_allowed(self, resource=resource)

    @property
    def derived(self) -> dict[str, Any]:
        """Values of fields that follow from other fields, if they are not given."""
        return {
            "title": self.name,
            "client_auth": "auto" if self.client_secret else "none",
            "api_origins": self._own_origins,
        }

    @property
    def _own_origins(self) -> tuple[str, ...]:
        if self.base_url:
            return (origin_of(self.base_url),)
        return resources.own_origins(self.resource) or (origin_of(self.address),)

    @property
    def address(self) -> str:
        """The issuer, else the address of its metadata, else the token endpoint."""
        if found := self.issuer or self.metadata_url:
            return found
        assert self.endpoints and self.endpoints.token_endpoint  # noqa: S101, PT018 (post_init)
        return self.endpoints.token_endpoint

    @property
    def request_rules(self) -> RequestRules:
        """Which certificates requests to it trust, and which hosts its configuration names."""
        from jupyter_auth.core.common import blocked_addresses  # needed for requests alone

        given = (getattr(self.endpoints, name, None) for name in URLS)
        own = (self.issuer, self.metadata_url, self.username_url)
        if self.found_at:  # a person named that, and its API the issuer
            own = (self.found_at, None, None)
        urls = [url for url in (*own, *given) if url and url[0] != "/"]
        hosts = frozenset(map(hostname_of, urls))
        return blocked_addresses.RequestRules(self.ca_bundle, hosts, found=bool(self.found_at))

    def is_answered_at(self, redirect_uri: str) -> bool:
        """Whether its authorization responses may arrive there: at its own redirect URI, or else
        at a path that ends in its name.
        """
        if own := self.redirect_uri:
            port = urlsplit(redirect_uri).port
            return same_place(
                at_port(own, port) if takes_any_port(own) and port else own, redirect_uri
            )
        return urlsplit(redirect_uri).path.endswith(f"/callback/{self.name}")

    @property
    def fingerprint(self) -> str:
        """A digest that accounts and secrets are bound to: no other configuration reads them."""
        return binding.digest(self)

    @property
    def first_fingerprint(self) -> str:
        """The same in the first version of this package."""
        at = self.endpoints or Endpoints()
        urls = (self.issuer, at.token_endpoint, at.revocation_endpoint)
        return binding.digest_of_first_version(*urls, self.client_id, self.audience)

    def fingerprints(self, *, trusted: bool) -> set[str]:
        """Those whose accounts and secrets it may read. That of the first version is of five fields
        only, so it counts if no kernel can have changed the others (``trusted``).
        """
        return {self.fingerprint} | ({self.first_fingerprint} if trusted else set())

    @property
    def reach(self) -> str:
        """A digest of where a session sends tokens, which tells it that a token is for there."""
        where = (self.base_url, self.api_origins, dict(self.api_headers))
        return binding.reach(*where, *filter(None, [self._more_origins]))

    @property
    def _more_origins(self) -> dict[str, tuple[str, ...]]:
        return {name: resources.origins(self, name) for name in self.resources}

    @property
    def vouches(self) -> bool:
        """Whether its user names identify people: the administrator says where they are."""
        return bool(self.username_claim or self.username_url)

    def as_service(self) -> Provider:
        """The same for a service account, whose own fields (``service``) replace the others.

        Public credentials of an application (``credentials_from``) are not a service account's.
        """
        table = self.service or Service()
        given = {k: v for k, v in vars(table).items() if v is not None}
        if self.credentials_from:
            no_client = {"client_id": None, "client_secret": None, "credentials_from": None}
            given = {**no_client, **given}
        if url := given.pop("token_endpoint", None):
            given |= {
                "endpoints": Endpoints(token_endpoint=url),
                "issuer": None,
                "metadata_url": None,
            }
        if self.client_auth == "none":  # for people's sign-ins; a service account has a secret
            given.setdefault("client_auth", None)
        return replace(self, service=None, **given)

    @property
    def unset(self) -> tuple[str, ...]:
        """The placeholders without a value. Where there are any, its addresses lead nowhere."""
        declared = self.placeholders.items()
        return tuple(n for n, each in declared if each.default is None and n not in self.set)

    def missing(self, grant: str) -> tuple[str, ...]:
        """What a sign-in by that grant lacks: ``set.<placeholder>``, ``client_id``,
        ``client_secret``.
        """
        authenticated = self.client_auth in {"basic", "post"}
        secret = authenticated and grant not in self.public_grants
        lacks = {
            **{f"set.{name}": True for name in self.unset},
            "client_id": not (self.client_id or self.exchange) and grant != "api_key",
            "client_secret": secret and not self.client_secret and grant != "api_key",
        }
        return tuple(name for name, so in lacks.items() if so)

    def info(self, source: str = "code", handle: str | None = None) -> ProviderInfo:
        """What kernels may know of this provider; ``handle`` takes the place of the name."""
        given = self.endpoints.authorization_endpoint if self.endpoints else None
        host = host_of(given if given and not given.startswith("/") else self.address)
        known = not self.unset
        missing = self.missing(next(iter(self.grants), "authorization_code"))
        if self.found_at or (self.register and self.register.client == "none"):  # it registers
            missing = tuple(each for each in missing if each != "client_id")
        return ProviderInfo(
            name=handle or self.name,
            title=self.title,
            host=host if known else "",
            scopes=self.scopes,
            base_url=self.base_url if known else None,
            base_url_from=self.base_url_from,
            api_origins=self.api_origins if known else (),
            placeholders=dict(self.placeholders),
            register=self.register if known else None,
            missing=missing,
            resource=self.resource,
            resources=self._more_origins if known else {},
            refresh_on=self.refresh_on,
            api_headers=dict(self.api_headers),
            throttle=self.throttle,
            source=source,
            reach=self.reach if known else "",
            ca_bundle=self.ca_bundle,
            found_at=self.found_at,
            vendor=self.vendor,
            silent=self.silent,
        )
