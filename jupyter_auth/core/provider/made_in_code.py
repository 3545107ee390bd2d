"""Providers that were made in code, by handle: those used last, for kernels make them up."""

from __future__ import annotations

import hashlib
import json
import threading
from typing import TYPE_CHECKING

from jupyter_auth.core.common.handles import DIGITS, MARK, plain
from jupyter_auth.core.errors import ProviderNotFound
from jupyter_auth.core.provider.definitions import provider_to_mapping

if TYPE_CHECKING:
    from jupyter_auth.core.provider.provider import Provider

MOST = 256


class ProvidersMadeInCode:
    """Those of one person. Nothing of the environment or a file is ever added to one of them:
    any notebook could have a secret of its choice sent to itself.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._providers: dict[str, Provider] = {}  # the one used last is the last

    def add(self, provider: Provider) -> str:
        """Its handle. The one that was not used for longest is forgotten where there are many."""
        handle = handle_of(provider)
        with self._lock:
            self._providers.pop(handle, None)
            self._providers[handle] = provider
            while len(self._providers) > MOST:
                del self._providers[next(iter(self._providers))]
        return handle

    def handles(self) -> list[str]:
        """All of them."""
        with self._lock:
            return list(self._providers)

    def get(self, handle: str) -> Provider:
        """ProviderNotFound: it is forgotten; whoever has the definition adds it again."""
        with self._lock:
            if provider := self._providers.pop(handle, None):
                self._providers[handle] = provider
                return provider
        raise ProviderNotFound(
            f"The definition of {plain(handle)!r:.80} that a notebook made isn't known any more.",
            hint="Run the cell that makes it again.",
        )


def handle_of(provider: Provider) -> str:
    """Its name, and a digest of all its fields but the client secrets."""
    text = json.dumps(provider_to_mapping(provider, secrets=False), sort_keys=True)
    return f"{provider.name}{MARK}{hashlib.sha256(text.encode()).hexdigest()[:DIGITS]}"
