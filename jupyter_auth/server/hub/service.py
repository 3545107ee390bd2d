"""One replica of the Hub service, and the settings that it is made from."""

from __future__ import annotations

import asyncio
import dataclasses
import functools
import json
import os
import traceback
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from traitlets.config import Application

from jupyter_auth.core.common import blocked_addresses
from jupyter_auth.core.common.throttled_log import ThrottledLog
from jupyter_auth.core.common.urls import require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider import client_credentials
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.broker.page_urls import PREFIX
from jupyter_auth.server.broker.redirect.hub import CONSENT
from jupyter_auth.server.config import hosts, read_settings
from jupyter_auth.server.hub.admin import sweep
from jupyter_auth.server.hub.app import SharedOAuth
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.config import (
    ACCESS,
    DISCOVER,
    NAME,
    SHARED_IDENTITIES,
    TRUSTED_DOWNSTREAM,
)
from jupyter_auth.server.hub.environment import DATABASE, KEYS, PROVIDERS
from jupyter_auth.server.hub.starting import needed, prefix_of
from jupyter_auth.server.hub.storage.database import Database
from jupyter_auth.server.hub.storage.encryption import Encryption
from jupyter_auth.server.hub.storage.key_rotation import check_keys
from jupyter_auth.server.hub.storage.sql_store import add_person_digests
from jupyter_auth.server.hub.storage.upkeep import repeat
from jupyter_auth.server.hub.users.known_tokens import BELIEVED
from jupyter_auth.server.hub.users.lookup_turns import TrustedProxies
from jupyter_auth.server.hub.users.unused import days_unused, remove_unused
from jupyter_auth.server.hub.users.users import HubUsers, is_gone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.server.broker.long_poll import PollLimit
    from jupyter_auth.server.config import Settings

SWEEP = 300.0  # seconds


class HubService:
    """All that a replica holds.

    Raises:
        AuthError: the configuration cannot work.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        config_file: str | None = None,
        poll_limit: PollLimit | None = None,
    ) -> None:
        blocked_addresses.set_shared()
        self.base_url = _base_url(prefix_of(environ))
        settings = _settings(environ, config_file, self.base_url)
        blocked_addresses.set_shared([each for each in settings.discover if each != "*"])
        self.providers = Providers(
            settings.providers,
            allow_user_providers=False,
            is_member=lambda _: True,  # the service itself
            discover=settings.discover,
            environ=client_credentials.of_clients(settings.environ),
        )
        for name in settings.providers:
            _check_redirect(self.providers.get(name).redirect_uri, f"{self.base_url}{PREFIX}")
        self._days_unused = days_unused(map(self.providers.get, settings.providers))
        if settings.public_origin:
            require_secure(settings.public_origin, "public_url")
        self.downstream = TrustedProxies(settings.trusted_downstream)
        keys = client_credentials.secret_of(environ, KEYS)
        self.cipher = Encryption(keys.reveal() if keys else "")
        scopes = environ.get("JUPYTERHUB_OAUTH_ACCESS_SCOPES")
        self.hub_auth = SharedOAuth(
            api_token=needed(environ, "JUPYTERHUB_API_TOKEN"),
            base_url=f"{self.base_url}{PREFIX}",
            oauth_client_id=environ.get("JUPYTERHUB_CLIENT_ID") or f"service-{NAME}",
            access_scopes=set(json.loads(scopes)) if scopes else {ACCESS},
            cache_max_age=int(BELIEVED),
        )
        database = client_credentials.secret_of(environ, DATABASE)
        self.database = Database(database.reveal() if database else needed(environ, DATABASE))
        try:
            check_keys(self.database, self.cipher)
            add_person_digests(self.database, self.cipher)
            self.brokers = HubBrokers(
                settings,
                self.providers,
                self.database,
                self.cipher,
                base_url=self.base_url,
                gone=functools.partial(is_gone, self.hub_auth),
                poll_limit=poll_limit,
            )
        except BaseException:
            self.database.close()
            raise

    async def run(self, users: HubUsers, stopped: asyncio.Event) -> None:
        """Sweep, renew leases and revoke until ``stopped``."""
        trouble = ThrottledLog("Records that must go could not be removed yet")
        sweeping = asyncio.create_task(
            repeat(functools.partial(self._sweep, users), SWEEP, trouble)
        )
        self.brokers.start()
        await stopped.wait()
        sweeping.cancel()

    async def _sweep(self, users: HubUsers) -> None:
        """Remove the records of deleted users, and unused accounts."""
        revocations = self.brokers.revocations
        await sweep(self.database, users, revocations)
        await asyncio.to_thread(
            remove_unused, self.database, self.cipher, revocations, self._days_unused
        )

    def close(self) -> None:
        """Stop without waiting for running calls."""
        self.brokers.close()
        self.database.close()


def _base_url(prefix: str) -> str:
    if not prefix.endswith(f"/{PREFIX}"):
        raise ConfigurationError(
            f"The service is named {prefix.strip('/').rpartition('/')[2]!r} on the Hub.",
            hint="Its name must be jupyter-auth: paths and redirect URIs contain it.",
        )
    return prefix.removesuffix(PREFIX)


def _settings(environ: Mapping[str, str], config_file: str | None, base_url: str) -> Settings:
    application = Application()
    if config_file:
        if not os.path.isfile(config_file):  # noqa: PTH113 (traitlets would say nothing)
            raise ConfigurationError(f"The configuration file {config_file} does not exist.")
        application.raise_config_file_errors = True
        try:
            application.load_config_file(config_file)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (a configuration file can raise anything)
            raise ConfigurationError(_failed(config_file, error)) from None
    settings = read_settings(application, f"{base_url}{PREFIX}")
    for problem in settings.problems:
        raise ConfigurationError(problem.message)
    try:
        said = client_credentials.secret_of(environ, PROVIDERS)
        given = json.loads(said.reveal() if said else "{}", object_pairs_hook=_without_twins)
        twice = sorted(given.keys() & settings.providers.keys())
    except (ValueError, AttributeError):
        raise ConfigurationError(
            f"{PROVIDERS} is not a JSON object of providers.",
            hint='Example: {"acme": {"issuer": "https://login.acme.example", "client_id": "x"}}.',
        ) from None
    if twice:
        raise ConfigurationError(
            f"Two providers are named {twice[0]!r}.",
            hint=f"One is in {PROVIDERS}, one in the configuration file: remove one of them.",
        )
    if not (providers := settings.providers | given):
        raise ConfigurationError(
            "No provider is configured.", hint="Pass one to `hub_config(c, providers={...})`."
        )
    discover = settings.discover
    if environ.get(DISCOVER):
        problems: list[ConfigurationError] = []
        discover = hosts(_list(environ, DISCOVER), problems)
        for problem in problems:
            raise ConfigurationError(problem.message)
    return dataclasses.replace(
        settings,
        providers=providers,
        discover=discover,
        consent=environ.get(CONSENT) == "1" if settings.consent is None else settings.consent,
        shared_identities=settings.shared_identities + _list(environ, SHARED_IDENTITIES),
        trusted_downstream=settings.trusted_downstream + _list(environ, TRUSTED_DOWNSTREAM),
    )


def _failed(config_file: str, error: BaseException) -> str:
    """The error's type and line, without its text, which may hold a secret."""
    where = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in where if frame.filename == config_file]
    line = error.lineno if isinstance(error, SyntaxError) else (lines or [None])[-1]
    return f"{config_file} fails{f' in line {line}' if line else ''}: {type(error).__name__}."


def _list(environ: Mapping[str, str], variable: str) -> tuple[str, ...]:
    try:
        given = json.loads(environ.get(variable) or "[]")
    except ValueError:
        given = None
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise ConfigurationError(f'{variable} is not a JSON list, such as ["one", "another"].')
    return tuple(given)


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a key that occurs twice: JSON would silently take the last."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ConfigurationError(
                f"{PROVIDERS} contains {name!r} twice.", hint="Remove one of the two."
            )
        found[name] = value
    return found


def _check_redirect(uri: str | None, prefix: str) -> None:
    if uri is None:
        return
    if not urlsplit(uri).path.startswith(f"{prefix}callback/"):
        raise ConfigurationError(
            f"The redirect URI {uri} does not lead to the service.",
            hint=f"Leave redirect_uri out, and register <the Hub's origin>{prefix}callback/<name>.",
        )
    require_secure(uri, "redirect_uri")
