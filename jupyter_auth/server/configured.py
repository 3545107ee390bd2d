"""The providers that ``c.JupyterAuth`` configures for one server, and what is wrong with them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.provider.user_providers import user_file
from jupyter_auth.server.config import instead

if TYPE_CHECKING:
    from jupyter_auth.server.broker.redirect.hub import HubRedirect
    from jupyter_auth.server.config import Settings


def providers_of(settings: Settings) -> Providers:
    """The providers of this server's user: configured, the user's own, and presets."""
    return Providers(
        settings.providers,
        user_file=user_file(),
        allow_user_providers=settings.allow_user_providers,
        allow_code_providers=settings.allow_code_providers,
        discover=settings.discover,
        environ=settings.environ,
        problems=settings.problems,
        notes=settings.notes,
    )


def checked(settings: Settings, hub: HubRedirect | None) -> Settings:
    """The settings with an error in place of each provider that cannot work here.

    Using it raises the error; the others work, and no preset takes its place.
    """
    tried = {name: _tried(name, settings, hub) for name in settings.providers}
    broken = [each for each in tried.values() if isinstance(each, ConfigurationError)]
    problems = [*settings.problems, *(each for each in broken if each not in settings.problems)]
    settings = dataclasses.replace(settings, providers=tried, problems=tuple(problems))
    try:
        if settings.default_provider:
            providers_of(dataclasses.replace(settings, problems=())).info(settings.default_provider)
    except ProviderNotFound as error:
        message = f"c.JupyterAuth.default_provider: {error.message} {error.hint}"
        problems.append(instead(message, "there is no default"))
        return dataclasses.replace(settings, default_provider=None, problems=tuple(problems))
    except ConfigurationError:
        pass  # it stays the default: using it raises the error, and no other takes its place
    return settings


def _tried(name: str, settings: Settings, hub: HubRedirect | None) -> Any:
    given = settings.providers[name]
    if isinstance(given, ConfigurationError):
        return given
    try:
        found = Providers({name: given}, environ=settings.environ).get(name)
        if hub:
            hub.check(found)
    except ConfigurationError as error:
        hint = f"{error.hint} Correct it in c.JupyterAuth.providers and restart the server."
        return ConfigurationError(error.message, hint=hint.strip())
    return given
