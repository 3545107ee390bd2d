"""Providers as parties to talk to, by name."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.token_endpoint import Party

if TYPE_CHECKING:
    from jupyter_auth.core.discovery import Discovery
    from jupyter_auth.core.provider import Provider
    from jupyter_auth.core.providers import Providers


class Parties:
    """``trusts_code``: whether who makes a provider in code is the one who types for it."""

    def __init__(self, providers: Providers, discovery: Discovery, *, trusts_code: bool) -> None:
        self._providers = providers
        self._discovery = discovery
        self._trusts_code = trusts_code

    def at(self, provider: Provider) -> Party:
        """This provider, with its endpoints. ProviderUnavailable, ProviderError: it has none."""
        return Party(provider=provider, endpoints=self._discovery.endpoints(provider))

    def of(self, name: str) -> Party:
        """The one of that name. ProviderNotFound, and as ``at``."""
        party, problem = self.at(self._providers.get(name)), self._providers.unanswered(name)
        return dataclasses.replace(party, advice=str(problem)) if problem else party

    def typed(self, name: str) -> Party:
        """SECURITY 10: what a person types goes to no provider that a notebook made up."""
        if not self._trusts_code and self._providers.info(name).source == "code":
            raise ConfigurationError(
                f"{plain(name)!r} was made in a notebook, so credentials can't be entered for it.",
                hint=f"Configure it: c.JupyterAuth.providers, or `%auth add {plain(name)}`.",
            )
        return self.of(name)
