"""Which definition of a provider's name counts.

The administrator's (``c.JupyterAuth.providers``) comes first and cannot be replaced, then the
user's ``providers.toml``, then the presets of this package. Providers that were made in code go by
handles, and so never change what a name means.
"""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol, Self, TypeAlias

from jupyter_auth.core.common.handles import is_handle, plain
from jupyter_auth.core.common.urls import hostname_of, is_among, place_of
from jupyter_auth.core.errors import ConfigurationError, NextStep, ProviderNotFound
from jupyter_auth.core.provider import user_providers
from jupyter_auth.core.provider.client_credentials import from_environment
from jupyter_auth.core.provider.definitions import (
    Incomplete,
    provider_from_mapping,
    replace_provider,
)
from jupyter_auth.core.provider.kinds import nearest
from jupyter_auth.core.provider.made_in_code import ProvidersMadeInCode
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.provider import Provider

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from jupyter_auth.core.common.finding import Finding


IsMember: TypeAlias = "Callable[[Collection[str]], bool]"  # of one of these groups
ANYWHERE = ("*",)  # ``discover`` for the addresses of all hosts
# Fields that change a request in ways that a policy does not look at.
UNCHECKED = (
    *("authorize_params", "token_params", "param_names", "audience", "service"),
    *("scope_separator", "resource_parameter", "endpoints", "metadata_url", "exchange"),
)


class MembersOnly(ConfigurationError):
    """A provider's policy admits members of groups alone, and this person is none of them."""


class FoundProviders(Protocol):
    """Where one person's providers rest that were found by an address, if not in a file."""

    def tables(self) -> Mapping[str, Any]:
        """The fields of each by name."""

    def keep(self, name: str, fields: Mapping[str, Any]) -> None:
        """Add one, unless there is one of that name. Raises ConfigurationError: too many."""

    def forget(self, name: str) -> None:
        """Remove one."""


class Layers:
    """The definitions, without what completes them. ``Providers`` documents the arguments."""

    def __init__(
        self,
        configured: Mapping[str, Any] | None = None,
        *,
        user_file: Path | None = None,
        allow_user_providers: bool = True,
        environ: Mapping[str, str] | None = None,
        own_process: bool = False,
        problems: Sequence[ConfigurationError] = (),
        notes: Sequence[Finding] = (),
        discover: Collection[str] = ANYWHERE,
        allow_code_providers: bool = True,
        is_member: IsMember | None = None,
    ) -> None:
        self.problems = problems
        self.notes = notes
        self._configured = {
            name: table
            if isinstance(table, Provider | ConfigurationError)
            else _configured(name, table)
            for name, table in (configured or {}).items()
        }
        self._user_file = user_file
        self._open = allow_user_providers
        self._environ = environ or {}
        self._own_process = own_process
        self._discover = discover
        self._code_allowed = allow_code_providers
        self._is_member = is_member
        self._found: FoundProviders | None = None
        self._code = ProvidersMadeInCode()
        self._read: dict[str, tuple[Any, Provider]] = {}  # what a table made, and that table

    def with_found(self, found: FoundProviders, is_member: IsMember | None = None) -> Self:
        """The same providers as one user of a shared service has them, and those that they found.

        ``is_member``: whether that user is in one of the groups; None: as before.
        """
        theirs = copy.copy(self)
        theirs._found, theirs._read = found, {}  # noqa: SLF001
        theirs._is_member = is_member or self._is_member  # noqa: SLF001
        return theirs

    @property
    def for_everyone(self) -> Self:
        """The same providers, whatever groups may use them: who left one can still sign out."""
        every = copy.copy(self)
        every._is_member = lambda _: True  # noqa: SLF001
        return every

    @property
    def names_groups(self) -> bool:
        """Whether the policy of any provider is about groups."""
        return any(each.policy and each.policy.groups is not None for each in self._limiting())

    @property
    def user_file(self) -> Path | None:
        """The person's own file, which need not exist. None: there are no own files here."""
        return self._user_file if self._open else None

    @property
    def presets(self) -> list[str]:
        """The names of those of this package, if they can be used."""
        return list(PRESETS) if self._open else []

    def saved_names(self) -> list[str]:
        """The names in the person's own file. Raises ConfigurationError if it cannot be read."""
        return sorted(self._user_tables())

    def made_in_code(self) -> list[str]:
        """The handles of all providers that were made in code."""
        return self._code.handles()

    def configure(self, provider: Provider) -> None:
        """Add one to this server's own. Raises ConfigurationError if users may not add any."""
        self._require_open()
        self._configured = {**self._configured, provider.name: provider}  # others may be at it

    def having(self, field: str) -> set[str]:
        """The names of those with this field in some definition, without making any of them."""
        return {
            name
            for _, providers in self._layers(skip_broken=True)
            for name, entry in providers.items()
            if _field(entry, field)
        }

    def _require_open(self) -> None:
        if not self._open:
            raise ConfigurationError(
                "Only the providers that the administrator configured can be used here.",
                hint="Ask for it to be added to c.JupyterAuth.providers.",
            )

    def _require_code_allowed(self, provider: Provider) -> None:
        self._require_open()
        self._limited(provider)
        if not self._code_allowed:
            raise ConfigurationError(
                "Providers defined in a notebook or script can't be used here.",
                hint="`%auth providers` lists those that can.",
            )

    def _require_free(self, name: str) -> None:
        if name in self._configured:
            raise ConfigurationError(
                f"The administrator has already configured {name!r}.",
                hint="Use it as it is, or give your own another name.",
            )

    def require_own(self, name: str) -> None:
        """Raise a ConfigurationError if that provider is not the person's own."""
        source, _ = self._entry(name)  # which may be broken
        if source not in {"user", "found"}:
            whose = "the administrator's" if source == "configured" else "not in your own file"
            raise ConfigurationError(
                f"{plain(name)!r} is {whose}, so it can't be removed.",
                next_step=NextStep("doctor"),
            )

    def editable(self, name: str) -> bool:
        """Whether a person may change its client: it is their own or a preset, and the environment
        names no other. Raises ConfigurationError if what that names cannot be read.
        """
        if self.user_file is None or self._entry(name)[0] not in {"user", "preset"}:
            return False
        return not from_environment(self._environ, name).fields()

    def require_findable(self, address: str) -> None:
        """Raise a ConfigurationError if people may not find that address."""
        if self._found is None:
            self._require_open()
        if not self._findable(address):
            raise ConfigurationError(
                f"Signing in from an address is not allowed for {hostname_of(address)} here.",
                hint="Ask the administrator to name it in c.JupyterAuth.discover.",
            )

    def _findable(self, address: str) -> bool:
        return "*" in self._discover or is_among(hostname_of(address), self._discover)

    def at(self, address: str) -> str:
        """The name of the provider that is known for that address; nobody is asked.

        Raises:
            ProviderNotFound: there is none.
        """
        wanted = place_of(address)
        for source, providers in self._layers(skip_broken=True):
            for name, entry in providers.items() if source != "preset" else ():
                with contextlib.suppress(ConfigurationError):
                    known = self._made(name, entry)
                    places = known.found_at, known.resource, known.base_url
                    if wanted in {place_of(each) for each in places if each}:
                        return name
        raise ProviderNotFound(
            f"No provider is known for the API at {address:.200}.",
            next_step=NextStep("sign_in", address),
        )

    def _defined(self, name: str) -> tuple[str, Provider]:
        """Its source and definition, without what the environment and packages add."""
        source, entry = self._entry(name)
        return source, self._made(name, entry)

    def filled(self, name: str, preset: str | None, values: Mapping[str, Any]) -> Provider:
        """That preset or provider with values for its placeholders, for a program's own use."""
        table: Any = {"preset": preset} if preset else self._entry(name)[1]
        if not isinstance(table, Mapping):
            self._made(name, table)  # which says what is wrong
        before = table.get("set", {})
        merged = {**before, **values} if isinstance(values, Mapping) else values
        return provider_from_mapping(name, {**table, "set": merged} if merged else table)

    def _entry(self, name: str) -> tuple[str, Any]:
        if is_handle(name):
            return "code", self._code.get(name)
        names: list[str] = []
        for source, providers in self._layers():
            if name in providers:
                return source, providers[name]
            names += sorted(providers.keys() - {*names})
        names.sort(key=lambda each: each in PRESETS and bool(PRESETS[each].get("vendor")))
        hints = [nearest(name, names, most=3), *(each.message for each in self.problems)]
        if {*name} & {*"./:"}:
            hints.insert(0, "If it is an API's address, write it with its `https://`.")
        raise ProviderNotFound(f"No provider is called {name!r:.80}.", hint=" ".join(hints))

    def _layers(self, *, skip_broken: bool = False) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """By precedence; a broken user file affects only the layers that come after it."""
        yield "configured", self._configured
        if self._found:
            tables = self._found.tables()
            yield "found", {k: v for k, v in tables.items() if self._findable(v["found_at"])}
        if not self._open:
            return
        try:
            tables = self._user_tables()
        except ConfigurationError:
            if not skip_broken:
                raise
            tables = {}
        yield "user", tables
        yield "preset", PRESETS

    def _user_tables(self) -> Mapping[str, Any]:
        return user_providers.tables(self._user_file) if self._user_file else {}

    def _made(self, name: str, entry: Any) -> Provider:
        if isinstance(entry, ConfigurationError):
            raise ConfigurationError(entry.message, hint=entry.hint)
        provider = entry if isinstance(entry, Provider) else self._of_table(name, entry)
        if provider.exchange:
            self._check_exchange(provider, provider.exchange.source)
        return self._admitted(provider if name in self._configured else self._limited(provider))

    def _of_table(self, name: str, table: Any) -> Provider:
        known = self._read.get(name)
        if known is None or known[0] != table:  # a file may have changed
            known = self._read[name] = table, provider_from_mapping(name, table)
        return known[1]

    def _admitted(self, provider: Provider) -> Provider:
        """The provider, for whom its policy admits.

        Raises:
            MembersOnly: it does not admit this person.
            ConfigurationError: only a Hub's service knows the groups.
        """
        groups = provider.policy.groups if provider.policy else None
        if groups is None:
            return provider
        if self._is_member is None:
            raise ConfigurationError(
                f"The policy of {provider.title} names groups, which only the Hub's service knows.",
                hint="Remove `groups` from the policy here.",
            )
        if not self._is_member(groups):
            raise MembersOnly(
                f"{provider.title} is for members of certain groups of this JupyterHub.",
                hint=f"Ask the Hub's administrator to add you to one: {', '.join(groups)}.",
            )
        return provider

    def _limited(self, provider: Provider) -> Provider:
        """With the administrator's policy, if they have one for the same client or issuer.

        Raises:
            ConfigurationError: it sends what that policy cannot check.
        """
        base = next((each for each in self._limiting() if _is_of_same(each, provider)), None)
        if base is None:
            return provider
        blank = Provider(name=provider.name, issuer=base.address)
        for name in UNCHECKED:
            if getattr(provider, name) not in (getattr(base, name), getattr(blank, name)):
                raise ConfigurationError(
                    f"{provider.title} is limited by the policy of {base.name!r}, so it can't set"
                    f" `{name}`.",
                    hint=f"Use {base.name!r} as it is configured.",
                )
        return replace_provider(provider, policy=base.policy)

    def _limiting(self) -> list[Provider]:
        known = self._configured.values()
        return [each for each in known if isinstance(each, Provider) and each.policy]

    def _check_exchange(self, provider: Provider, source: str) -> None:
        """Check that its tokens are made of those of an account that people sign in to."""
        said = f"Provider {provider.name!r} exchanges tokens of {source!r:.80}, which"
        try:
            entry = self._entry(source)[1]
        except ProviderNotFound as error:
            raise ConfigurationError(f"{said} is not known.", hint=error.own_hint) from None
        if _field(entry, "exchange"):
            raise ConfigurationError(
                f"{said} are exchanged ones themselves.",
                hint="Name the provider that people sign in to as `from` in its `exchange`.",
            )

    def _require_own_exchange(self, name: str, table: Mapping[str, Any]) -> None:
        """A notebook could have another account's token sent to any endpoint."""
        if not self._own_process and user_providers.outline(name, table).exchange:
            raise ConfigurationError(
                f"{name!r} exchanges tokens of another account, so it can't be changed from here.",
                hint=f"Edit {self._user_file} yourself.",
            )


def _field(entry: Any, name: str) -> Any:
    """A field of a definition, be it a table or made."""
    return entry.get(name) if isinstance(entry, Mapping) else getattr(entry, name, None)


def _configured(name: str, table: Any) -> Provider:
    try:
        return provider_from_mapping(name, table)
    except Incomplete as error:
        raise Incomplete(error.outline, configured=True) from None


def _is_of_same(base: Provider, other: Provider) -> bool:
    """Whether both are of one issuer, or are the same client there."""
    if place_of(base.address) == place_of(other.address):
        return True
    hosts = base.request_rules.hosts & other.request_rules.hosts
    return bool(hosts) and base.client_id is not None and base.client_id == other.client_id


def same_api(known: Provider, fields: Mapping[str, Any]) -> bool:
    """Whether both are of one API; it may have begun or ceased to publish its identifier."""
    if known.resource and (resource := fields.get("resource")):
        return bool(known.resource == resource)
    places = {place_of(each) for each in (known.found_at, known.base_url) if each}
    return place_of(fields["found_at"]) in places
