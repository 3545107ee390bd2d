"""The session key, which tells several accounts at one provider apart."""

from jupyter_auth.core.errors import ConfigurationError

DEFAULT_KEY = "default"
MAX_KEY = 1024  # characters of a session_key


def check_session_key(key: str) -> None:
    """Raise a ConfigurationError for one that is too long or cannot be shown."""
    if len(key) > MAX_KEY or not key.isprintable():
        raise ConfigurationError(
            f"A session_key is one line of at most {MAX_KEY} visible characters."
        )
