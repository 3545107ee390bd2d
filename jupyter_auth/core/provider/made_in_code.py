"""Providers that were made in code, by handle; only the last used ones are kept."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import DIGITS, MARK, plain
from jupyter_auth.core.errors import ConfigurationError, NextStep, ProviderNotFound
from jupyter_auth.core.provider.definitions import provider_to_mapping

if TYPE_CHECKING:
    from jupyter_auth.core.provider.provider import Provider

MOST = 256
# Flags that the first handles did not know.
LATER = ("vendor", "silent")
LATER_ENDPOINTS = ("client_id_metadata_document_supported",)


class ProvidersMadeInCode:
    """Those of one person. They never get anything from the environment or a file: a notebook could
    have any such secret sent to itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._providers: dict[str, Provider] = {}  # the last used one is last

    def add(self, provider: Provider) -> str:
        """Return its handle. Of more than ``MOST``, the least recently used is forgotten.

        Raises:
            ConfigurationError: it would have another account's token sent where the code says.
        """
        if provider.exchange:
            raise ConfigurationError(
                f"{provider.title} exchanges tokens of another account, which a provider made in"
                " code can't do.",
                hint="Configure it in c.JupyterAuth.providers, or in your own providers.toml.",
            )
        handle = handle_of(provider)
        with self._lock:
            self._providers.pop(handle, None)
            self._providers[handle] = provider
            while len(self._providers) > MOST:
                del self._providers[next(iter(self._providers))]
        return handle

    def handles(self) -> list[str]:
        """The handles of all."""
        with self._lock:
            return list(self._providers)

    def get(self, handle: str) -> Provider:
        """Raise ProviderNotFound for one that is forgotten; the kernel then adds it again."""
        with self._lock:
            if provider := self._providers.pop(handle, None):
                self._providers[handle] = provider
                return provider
        raise ProviderNotFound(
            f"The definition of {plain(handle)!r:.80} in a notebook is no longer known.",
            next_step=NextStep("make_session"),
        )


def handle_of(provider: Provider) -> str:
    """Its name and a digest of all fields but the client secrets."""
    named = provider_to_mapping(provider, secrets=False)
    named.pop("policy", None)  # an administrator may change it meanwhile
    if named["client_auth"] == "auto":
        named["client_auth"] = "basic"  # as the default was called at first
    for table, later in ((named, LATER), (named.get("endpoints", {}), LATER_ENDPOINTS)):
        for unset in {each for each in later if not table.get(each)}:
            table.pop(unset, None)
    text = json.dumps(named, sort_keys=True)
    return f"{provider.name}{MARK}{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"


def secrets_of(provider: Provider) -> set[str]:
    """Which of its clients have a secret."""
    holders = {"client": provider, "service": provider.service}
    return {name for name, holder in holders.items() if holder and holder.client_secret}
