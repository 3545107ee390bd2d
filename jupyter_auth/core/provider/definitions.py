"""Mappings in, ``Provider`` out, and back: tables of TOML and JSON, presets, changes to them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_auth.core.errors import ConfigurationError, NextStep
from jupyter_auth.core.provider.kinds import FieldTable, TablesByName, nearest
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.record import fields

# A table with one of these does not complete a preset.
ADDRESSES = {"issuer", "metadata_url", "endpoints"}
FIELDS = {field.name: field.metadata for field in fields(Provider)}
TABLES = {name: of["kind"] for name, of in FIELDS.items() if isinstance(of["kind"], type)}
BY_NAME = {name for name, of in FIELDS.items() if isinstance(of["kind"], TablesByName)}
# What guides people to a complete definition, and is no part of it.
GUIDE = {"preset", "placeholders", "set", "register"}
TOKENS_ONLY = {name for name, of in FIELDS.items() if of["tokens_only"]}


class Incomplete(ConfigurationError):
    """A preset's placeholder has no value. ``outline`` is what is known: its addresses are not.

    ``configured``: by the administrator, who alone can say it.
    """

    def __init__(self, outline: Provider, *, configured: bool = False) -> None:
        self.outline = outline
        asked = ", ".join(outline.placeholders[each].says for each in outline.unset)
        says = f"{outline.title} needs to know: {asked}."
        if configured:
            values = ", ".join(f'"{each}": "{each.upper()}"' for each in outline.unset)
            super().__init__(says, hint=f'Add "set": {{{values}}} to {outline.name!r}.')
        else:
            step = NextStep("sign_in", outline.name, options=outline.info().to_fill_in)
            super().__init__(says, next_step=step)


def provider_from_mapping(name: str, mapping: Mapping[str, Any]) -> Provider:
    """The provider that a table of TOML, JSON or a traitlets dict describes.

    A table completes the preset that it names; without issuer, metadata_url and endpoints, that of
    its own name.

    Raises:
        ConfigurationError: names the field that is wrong, and one that may have been meant.
        Incomplete: a placeholder has no value.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigurationError(f"Provider {name!r} is not a table of fields.")
    fields = {k: v for k, v in mapping.items() if v is not None and k != "name"}
    if (named := fields.get("preset")) or not ADDRESSES & fields.keys():
        preset = _preset(name, named) if named else PRESETS.get(name, {})
        fields = {**preset, **own_client(preset, _completed_tables(preset, fields))}
    for key in fields:
        _check_field(name, key)
    if {"placeholders", "set"} & fields.keys():
        from jupyter_auth.core.provider.guides import filled  # most have none

        fields = filled(name, fields)
    provider = Provider(name=name, **fields)
    if provider.unset:
        raise Incomplete(provider)
    return provider


def _preset(name: str, named: Any) -> Mapping[str, Any]:
    """The preset called ``named``, with a title that tells it from others of its kind."""
    if named not in PRESETS:
        hint = nearest(named, PRESETS)
        raise ConfigurationError(f"There is no preset {named!r:.60}.", hint=hint)
    preset = PRESETS[named]
    return preset if name == named else {**preset, "title": f"{preset['title']} ({name})"}


def provider_to_mapping(provider: Provider, *, secrets: bool = True) -> dict[str, Any]:
    """``provider`` as a mapping that it can be made from, without what guides people there. A
    client secret stays a ``Secret``.

    With secrets it is only sent from a kernel to its broker, never back.
    """
    return _filled(provider, (None, (), {}), secrets=secrets)


def _filled(
    holder: Provider | FieldTable, nothing: tuple[Any, ...], *, secrets: bool
) -> dict[str, Any]:
    return {
        each.name: plain_value(value, secrets=secrets)
        for each in fields(holder)
        if each.name not in GUIDE
        and (value := getattr(holder, each.name)) not in nothing
        and (secrets or each.name != "client_secret")
    }


def plain_value(value: Any, *, secrets: bool = True) -> Any:
    """``value`` made of dicts and lists, as in TOML and JSON."""
    if isinstance(value, FieldTable):
        return _filled(value, (None, ()), secrets=secrets)
    if isinstance(value, Mapping):
        return {name: plain_value(each, secrets=secrets) for name, each in value.items()}
    return [*map(plain_value, value)] if isinstance(value, list | tuple) else value


def _completed_tables(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``changes``, with each table completed by the one before."""
    done = dict(changes)
    for name in (TABLES.keys() | BY_NAME) & before.keys() & changes.keys():
        if before[name] is not None and isinstance(changes[name], Mapping):
            table = before[name] if isinstance(before[name], Mapping) else vars(before[name])
            done[name] = {**table, **changes[name]}
    return done


def own_client(before: Mapping[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``changes``; a new client ID does not inherit the old client's secret."""
    if changes.get("client_id") in {None, before.get("client_id")}:
        return changes
    return {"client_secret": None, "credentials_from": None, **changes}


def _check_field(name: str, key: str) -> None:
    if key not in FIELDS:
        raise ConfigurationError(
            f"Provider {name!r} has an unknown field {key!r}.", hint=nearest(key, FIELDS)
        )


def replace_provider(provider: Provider, **changes: Any) -> Provider:
    """``provider`` with fields changed; a mapping given for a table completes the table.

    Raises:
        ConfigurationError: there is no such field, or the changed provider cannot work.
    """
    if not changes:
        return provider
    for key in changes:
        _check_field(provider.name, key)
    # Values that were derived from other fields are derived again, from the changed ones.
    derived = provider.derived
    given = {name: value for name, value in vars(provider).items() if value != derived.get(name)}
    return Provider(**given | _completed_tables(given, changes))
