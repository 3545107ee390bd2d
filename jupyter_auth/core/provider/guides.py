"""What leads a person to a complete definition: values that a preset leaves open, such as the host
of one's own GitLab (``{host}`` in it), and how to get a client ID (``register``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.urls import host_of, require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.field_types import placeholder_tables
from jupyter_auth.core.provider.kinds import FieldPath, mapping, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.provider.field_types import Placeholder, Register
    from jupyter_auth.core.provider.provider import Provider

OWN = ("placeholders", "set")  # fields that say what to fill in, and are not filled in themselves
MUST_BE = {
    "host": "a host name, such as git.acme.example, without https:// and without slashes",
    "segment": "one word of letters, digits, `.`, `-`, `_` and `~`",
    "url": "an address that begins with https://, without a query",
}
# What stands for a value that is not known yet (RFC 2606 2): it leads nowhere.
UNSET = {"host": "unset.invalid", "segment": "unset", "url": "https://unset.invalid"}

JUPYTER = 8888  # the port that Jupyter takes if it is free
KINDS = {  # of clients, in a form's words
    "public": "public, without a secret",
    "confidential": "confidential, with a secret",
    "either": "public, or confidential with a secret",
}


def filled(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of provider ``name``, with a value for each placeholder that they declare.

    Any other word in braces stays, such as the ``{token}`` of a header.

    Raises:
        ConfigurationError: a value is not of its placeholder's kind, or for none that is declared.
    """
    declared = placeholder_tables(fields.get("placeholders") or {}, FieldPath(name, "placeholders"))
    path = FieldPath(name, "set")
    given = mapping(fields.get("set") or {}, path)
    if unknown := given.keys() - declared.keys():
        raise ConfigurationError(
            f"{path} has an unknown key {min(unknown)!r:.60}.", hint=nearest(min(unknown), declared)
        )
    given = {key: checked(declared[key], given[key], path.key(key)) for key in given}
    values = {key: given.get(key) or each.default for key, each in declared.items()}
    values = {key: value or UNSET[declared[key].kind] for key, value in values.items()}
    if not values:
        return dict(fields)
    pattern = re.compile(rf"\{{({'|'.join(values)})\}}")

    def fill(text: str) -> str:
        return pattern.sub(lambda found: str(values[found[1]]), text)

    done = {key: value if key in OWN else _deep(value, fill) for key, value in fields.items()}
    return {**done, "set": given} if given else done


def checked(of: Placeholder, value: str, path: FieldPath) -> str:
    """``value`` as it goes into an address.

    Raises:
        ConfigurationError: it is not of the placeholder's kind: it could name another place than
            the person means (``acme.example@evil.example``, ``acme.example/../x``).
    """
    try:
        if _fits(of.kind, value):
            return host_of(f"https://{value}") if of.kind == "host" else value
    except ConfigurationError:
        pass
    name = path.name.partition(".")[2]
    raise ConfigurationError(
        f"The {name} of provider {path.provider!r} must be {MUST_BE[of.kind]}."
    )


def _fits(kind: str, value: str) -> bool:
    if kind == "segment":
        return re.fullmatch(r"[A-Za-z0-9._~-]{1,200}", value) is not None and value.strip(".") != ""
    if kind == "url":
        return require_secure(value, "address") == value and not re.search(r"[?#\\]", value)
    return not re.search(r"[/\\?#@]", value)  # the rest is up to ``host_of``


def _deep(value: Any, fill: Callable[[str], str]) -> Any:
    """``value`` with ``fill`` applied to all strings in it."""
    if isinstance(value, str):
        return fill(value)
    if isinstance(value, list | tuple):
        return [_deep(each, fill) for each in value]
    if isinstance(value, dict):
        return {fill(key): _deep(each, fill) for key, each in value.items()}
    return value


# -- how to register ------------------------------------------------------------------------------


def redirect_uri(provider: Provider) -> str:
    """The one to register for a person's own machine: Jupyter's, at which scripts listen too."""
    host = provider.loopback or "localhost"
    own = f"http://{host}:{JUPYTER}/jupyter-auth/callback/{provider.name}"
    return provider.redirect_uri or own


def steps(given: Register, redirect_uri: str) -> list[str]:
    """What to do at the provider, in sentences. ``redirect_uri``: the URI, or words for it."""
    return [each.replace("{redirect_uri}", redirect_uri) for each in given.says]


def in_short(provider: Provider) -> str:
    """What to do about a missing client ID, up to how it is added."""
    where = (provider.register and provider.register.url) or host_of(provider.address)
    return f"Register an application at {where}, then add its client ID to the configuration."
