"""Encryption of what rests in the service's database. The keys are in its environment alone."""

from __future__ import annotations

import contextlib
import hashlib
import hmac

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from jupyter_auth.core.errors import ConfigurationError, StoreError

VARIABLE = "JUPYTER_AUTH_CRYPT_KEYS"
_HOW = "`openssl rand -base64 32 | tr +/ -_` makes one."


class Encryption:
    """Seals with the first of the keys, opens with any of them. ConfigurationError: no keys.

    What is sealed names the record that it is for: moved to another one it does not open.
    """

    def __init__(self, keys: str) -> None:
        given = [key.strip() for key in keys.replace(";", ",").split(",") if key.strip()]
        try:
            found = [Fernet(key) for key in given]
        except ValueError:
            found = []
        if not found:
            raise ConfigurationError(
                f"{VARIABLE} contains no valid Fernet key.",
                hint=f"{_HOW} Separate several with commas, the newest first.",
            )
        self._each = found
        self._fernet = MultiFernet(found)
        self.marks = [_mark(key) for key in given]  # in the order of the keys
        self._pepper = [_derived(key) for key in given]

    def seal(self, record: str, content: bytes) -> bytes:
        """``content`` encrypted, for that record alone."""
        return self._fernet.encrypt(record.encode() + b"\n" + content)

    def open(self, record: str, sealed: bytes) -> bytes:
        """The content again. StoreError: sealed by none of our keys, or for another record."""
        try:
            name, _, content = self._fernet.decrypt(sealed).partition(b"\n")
        except InvalidToken:
            name, content = b"", b""
        if name != record.encode():
            raise StoreError(
                "A database record cannot be decrypted.",
                hint=f"Check whether a key was removed from {VARIABLE} before `jupyter auth hub"
                " rotate-keys` ran.",
            )
        return content

    def digests(self, value: str) -> list[str]:
        """What ``value`` can be found by, under each key, the first one's to be written down.

        Without the keys nobody can tell what it is of, not even by trying all that it could be.
        """
        return [hmac.digest(key, value.encode(), "sha256").hex() for key in self._pepper]

    def opened_by(self, sealed: bytes) -> str | None:
        """The mark of the key that opens it. None: none of ours."""
        for mark, fernet in zip(self.marks, self._each, strict=True):
            with contextlib.suppress(InvalidToken):
                fernet.decrypt(sealed)
                return mark
        return None

    def renew(self, sealed: bytes) -> bytes:
        """The same, encrypted with the first key. StoreError: none of our keys fits."""
        try:
            return self._fernet.rotate(sealed)
        except InvalidToken:
            raise StoreError("A database record is encrypted with an unknown key.") from None


def _derived(key: str) -> bytes:
    """Another key for another purpose: what is encrypted with one is no digest under the other."""
    return hmac.digest(key.encode(), b"jupyter_auth identities", "sha256")


def _mark(key: str) -> str:
    """What tells one key from others, and nothing of the key: that is 256 random bits."""
    return hashlib.blake2b(key.encode(), digest_size=16, person=b"jupyter_auth").hexdigest()
