"""Encryption of the service's records. The keys are only in its environment."""

from __future__ import annotations

import contextlib
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from jupyter_auth.core.errors import ConfigurationError, StoreError
from jupyter_auth.server.hub.environment import KEYS

_HOW = "`openssl rand -base64 32 | tr +/ -_` makes one."


class Encryption:
    """Encrypts with the first key, decrypts with any. Moved to another record, nothing decrypts.

    Raises:
        ConfigurationError: there is no valid key.
    """

    def __init__(self, keys: str) -> None:
        given = [key.strip() for key in keys.replace(";", ",").split(",") if key.strip()]
        try:
            found = [Fernet(key) for key in given]
        except ValueError:
            found = []
        if not found:
            raise ConfigurationError(
                f"{KEYS} contains no valid Fernet key.",
                hint=f"{_HOW} Separate several with commas, the newest first.",
            )
        self._each = found
        self._fernet = MultiFernet(found)
        self.marks = [_mark(key) for key in given]  # in the order of the keys
        self._pepper = [_derived(key) for key in given]

    def seal(self, record: str, content: bytes) -> bytes:
        """Encrypt ``content`` for that record."""
        return self._fernet.encrypt(record.encode() + b"\n" + content)

    def open(self, record: str, sealed: bytes) -> bytes:
        """Decrypt. StoreError: none of our keys fits, or it is for another record."""
        try:
            name, _, content = self._fernet.decrypt(sealed).partition(b"\n")
        except InvalidToken:
            name, content = b"", b""
        if name != record.encode():
            raise StoreError(
                "A database record cannot be decrypted.",
                hint=f"Check whether a key was removed from {KEYS} before `jupyter auth hub"
                " rotate-keys` ran.",
            )
        return content

    def digests(self, value: str) -> list[str]:
        """A digest to find ``value`` by, for each key. The first key's is the one to store.

        Without the keys it reveals nothing, not even to a search of all possible values.
        """
        return [hmac.digest(key, value.encode(), "sha256").hex() for key in self._pepper]

    def opened_by(self, sealed: bytes) -> str | None:
        """The mark of the key that decrypts it, or None."""
        for mark, fernet in zip(self.marks, self._each, strict=True):
            with contextlib.suppress(InvalidToken):
                fernet.decrypt(sealed)
                return mark
        return None

    def renew(self, sealed: bytes) -> bytes:
        """Encrypt again with the first key. StoreError: none of our keys fits."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise StoreError("A database record is encrypted with an unknown key.") from None


def _derived(key: str) -> bytes:
    """The key for digests, separate from the one for encryption."""
    return hmac.digest(key.encode(), b"jupyter_auth identities", "sha256")


def _mark(key: str) -> str:
    """Identifies a key without revealing it: a key is 256 random bits."""
    return hashlib.blake2b(key.encode(), digest_size=16, person=b"jupyter_auth").hexdigest()
