"""Values that a preset leaves open, such as the host of one's own GitLab: ``{host}`` in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.urls import host_of, require_secure
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.field_types import placeholder_tables
from jupyter_auth.core.provider.kinds import FieldPath, mapping, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_auth.core.provider.field_types import Placeholder

OWN = ("placeholders", "set")  # fields that say what to fill in, and are not filled in themselves
MUST_BE = {
    "host": "a host name, such as git.acme.example, without https:// and without slashes",
    "segment": "one word of letters, digits, `.`, `-`, `_` and `~`",
    "url": "an address that begins with https://, without a query",
}
# What stands for a value that is not known yet (RFC 2606 2): it leads nowhere.
UNSET = {"host": "unset.invalid", "segment": "unset", "url": "https://unset.invalid"}


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
    raise path.must_be(MUST_BE[of.kind])


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
