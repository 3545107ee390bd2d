"""Mappings in, ``Provider`` out; and which configuration of a name counts.

The administrator's (``c.JupyterAuth.providers``) goes first and cannot be replaced, then the
user's ``providers.toml``, then the presets of this package. What was made in code goes by a handle,
and so changes what no name means.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import TYPE_CHECKING, Any

import platformdirs

from jupyter_auth.core import keeping
from jupyter_auth.core.credentials import (
    Credentials,
    Password,
    from_environment,
    from_package,
    password_from_environment,
)
from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from jupyter_auth.core.handles import NAME, is_handle, plain
from jupyter_auth.core.made_in_code import MadeInCode, handle_of_provider
from jupyter_auth.core.parts import PARTS, nearest
from jupyter_auth.core.provider import Provider, ProviderInfo
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.wire import provider_fields

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

ADDRESSES = {"issuer", "endpoints"}  # what makes a table more than an addition to a preset
FIELDS = {field.name for field in dataclasses.fields(Provider)}


def provider_from_mapping(name: str, mapping: Mapping[str, Any]) -> Provider:
    """The provider that a table of TOML, JSON or a traitlets dict describes.

    A table without an address completes the preset of its name: a client id is often all it has.
    ConfigurationError names the field that is wrong, and one it may have been meant for.
    """
    if not isinstance(mapping, Mapping):
        raise ConfigurationError(f"Provider {name!r} is not a table of fields.")
    fields = {k: v for k, v in mapping.items() if v is not None and k != "name"}
    if not ADDRESSES & fields.keys():
        preset = _presets().get(name, {})
        fields = {**preset, **_own_client(preset, _completed_tables(preset, fields))}
    for key in fields:
        _check_field(name, key)
    try:
        return Provider(name=name, **fields)
    except (TypeError, ValueError):
        raise ConfigurationError(f"Provider {name!r} has a field of a wrong kind.") from None


def _completed_tables(before: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``changes``, with each table of a part completed by what was there before.

    A service's client id and secret complete what the preset says of it.
    """
    done = dict(changes)
    for name in PARTS.keys() & before.keys() & changes.keys():
        if before[name] is not None and isinstance(changes[name], Mapping):
            part = before[name] if isinstance(before[name], Mapping) else vars(before[name])
            done[name] = {**part, **changes[name]}
    return done


def _own_client(before: Mapping[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """``changes``: another client than before has no part of the one before's secret."""
    if changes.get("client_id") in {None, before.get("client_id")}:
        return changes
    return {"client_secret": None, "credentials_from": None, **changes}


def _check_field(name: str, key: str) -> None:
    if key not in FIELDS:
        raise ConfigurationError(
            f"Provider {name!r} has an unknown field {key!r}.", hint=nearest(key, FIELDS)
        )


def replace_provider(provider: Provider, **changes: Any) -> Provider:
    """``provider`` with fields changed; a table given for a part completes what is there.

    Raises:
        ConfigurationError: no such field, or the changed provider cannot work.
    """
    for key in changes:
        _check_field(provider.name, key)
    changes = _completed_tables(vars(provider), changes)
    # What was derived from other fields is derived anew from the changed ones.
    derived: dict[str, Any] = {"title": "", "client_auth": None, "api_origins": ()}
    for field, nothing in derived.items():
        again = dataclasses.replace(provider, **{field: nothing})
        if getattr(again, field) == getattr(provider, field):
            changes.setdefault(field, nothing)
    return dataclasses.replace(provider, **changes)


def provider(name: str, **changes: Any) -> Provider:
    """A preset, or a provider of the user's own file, with fields changed.

    Fields that are tables in TOML are plain mappings here, and complete what is there as they do
    there: ``provider("insideview", throttle={"limit": 10})``. A ``Header``, ``Endpoints`` ...
    replaces it.

    Raises:
        ProviderNotFound: names those near it.
        ConfigurationError: no such field or key, or the changed provider cannot work.
    """
    if not isinstance(name, str):
        raise ConfigurationError("The first argument is a provider's name, such as 'github'.")
    before = Providers(user_file=user_file()).get(name)
    return replace_provider(before, **_own_client(vars(before), changes))


def user_file() -> Path:
    """Where a person's own providers are written down."""
    return platformdirs.user_config_path("jupyter_auth") / "providers.toml"


class Providers:
    """All providers that one person can sign in at, by name.

    ``configured`` is the administrator's; with ``allow_user_providers`` off there is nothing
    else. An error in it is what is wrong with that provider: whoever asks for it is told. A broken
    user file or preset is reported when it is asked for, not at start.
    ``environ``: where client ids and secrets are looked up, for all but what was made in code.
    ``problems``: what is wrong with the configuration, for doctor and whoever misses a provider.
    """

    def __init__(
        self,
        configured: Mapping[str, Any] | None = None,
        *,
        user_file: Path | None = None,
        allow_user_providers: bool = True,
        environ: Mapping[str, str] | None = None,
        problems: Sequence[ConfigurationError] = (),
    ) -> None:
        self.problems = problems
        self._configured = {
            name: table
            if isinstance(table, Provider | ConfigurationError)
            else provider_from_mapping(name, table)
            for name, table in (configured or {}).items()
        }
        self._user_file = user_file
        self._open = allow_user_providers
        self._environ = environ or {}
        self._code = MadeInCode()

    def get(self, name: str) -> Provider:
        """The provider of that name. ProviderNotFound names those near it."""
        return self._with_kept_secret(*self._find(name))

    def _with_kept_secret(self, source: str, provider: Provider) -> Provider:
        if provider.client_secret or self._user_file is None or source not in {"user", "preset"}:
            return provider
        secret = keeping.kept_secret(keeping.secrets_file(self._user_file), provider)
        return replace_provider(provider, client_secret=secret) if secret else provider

    def service(self, name: str) -> Provider:
        """The provider of that name as its service account sees it.

        ProviderNotFound. ConfigurationError: its client is for people's sign-ins alone.
        """
        provider = self.get(name)
        if provider.service is None:
            raise ConfigurationError(
                f"{provider.title} is not configured for service accounts.",
                hint="Give your own client_id and client_secret to ClientSession; or set `service`"
                " of the provider in the configuration, which lends them to notebooks.",
            )
        return provider.as_service()

    def password(self, name: str, *, code: bool = False) -> Password | None:
        """The user name and password of the environment, where that provider takes passwords.

        ``code``: also for one that was made in code: any notebook could have made it.
        """
        found = password_from_environment(self._environ, plain(name))
        if found is None:
            return None
        source, provider = self._find(name)
        allowed = "password" in provider.grants and (code or source != "code")
        return found if allowed else None

    def info(self, name: str) -> ProviderInfo:
        """What a kernel may know of it. ProviderNotFound."""
        source, provider = self._find(name)
        return provider.info(source, name)

    def all(self) -> list[ProviderInfo]:
        """Every provider with a client id, by name; the administrator's also where it is broken."""
        found: dict[str, ProviderInfo | None] = {}
        for source, providers in self._layers(skip_broken=True):
            for name in providers.keys() - found.keys():
                found[name] = self._listed(source, name, providers[name])
        return [info for _, info in sorted(found.items()) if info]

    def register(self, provider: Provider) -> ProviderInfo:
        """Make a provider of a person's own code known: the info has its handle as the name.

        One that is what its name means already is that one. ConfigurationError: only the
        administrator's may be used, or one of theirs has that name.
        """
        self._require_open()
        if self._is_known(provider):
            return self.info(provider.name)
        if provider.name in self._configured:
            raise _taken(provider.name)
        return provider.info("code", self._code.add(provider))

    def configure(self, provider: Provider) -> None:
        """Make one of this server's own known. ConfigurationError: users may not add any here."""
        self._require_open()
        self._configured = {**self._configured, provider.name: provider}  # others may be at it

    def _is_known(self, provider: Provider) -> bool:
        """Whether its name means this very definition; a secret that it brings counts."""
        try:
            source, known = self._find(provider.name)
            known = self._with_kept_secret(source, known)
        except ConfigurationError:
            return False
        if provider == known:
            return True
        given = provider_fields(provider)
        bare = provider_fields(provider, secrets=False)
        same = (known, self._bare(provider.name))
        return given == bare and handle_of_provider(provider) in map(handle_of_provider, same)

    def _bare(self, name: str) -> Provider:
        """What its name means, without what the environment and packages add."""
        entry = next(layer[name] for _, layer in self._layers() if name in layer)
        return entry if isinstance(entry, Provider) else provider_from_mapping(name, entry)

    @property
    def user_file(self) -> Path | None:
        """The person's own, which need not be there. None: nobody has one here."""
        return self._user_file if self._open else None

    def written_down(self) -> list[str]:
        """The names in the person's own file. ConfigurationError: it cannot be read."""
        return sorted(self._user_tables())

    def write_down(self, name: str, fields: Mapping[str, Any]) -> ProviderInfo:
        """Put a provider into the person's own file; its client secret goes into one beside it.

        One that is there already takes a client id that it lacks, a secret and other ``grants``
        (which of them a registration is for may turn out later), and stays as it is otherwise.
        ConfigurationError: more would change, nobody may add providers here, the administrator's
        has that name, or it cannot work.
        """
        self._require_open()
        if name in self._configured:
            raise _taken(name)
        if self._user_file is None:
            raise ConfigurationError("There is no file here for providers of your own.")
        given = {k: v for k, v in fields.items() if v is not None and k != "client_secret"}
        known = self._user_tables().get(name, {})
        given = {k: v for k, v in given.items() if known.get(k) != v}
        may_change = {"grants"} if "client_id" in known else {"grants", "client_id"}
        if known and given.keys() - may_change:
            raise ConfigurationError(
                f"{self._user_file} has a provider {name!r} already.",
                hint="Change it there, or give the new one another name.",
            )
        provider = provider_from_mapping(name, {**known, **given})
        if secret := fields.get("client_secret"):
            kept = secret if isinstance(secret, Secret) else Secret(secret)
            keeping.keep_secret(keeping.secrets_file(self._user_file), provider, kept)
        if given:
            keeping.write_table(self._user_file, name, given)
        return self.info(name)

    def completable(self, name: str) -> bool:
        """Whether a person may add what is missing of it: a preset's client, or a secret."""
        if not self._open or self._user_file is None:
            return False
        source = self.info(name).source
        if source == "user":  # with addresses of its own it is no preset any more
            table = self._user_tables().get(name, {})
            return name in _presets() and not ADDRESSES & table.keys()
        return source == "preset"

    def prefer(self, name: str, grant: str) -> None:
        """Write down that a person's registration is for ``grant``, as far as they may say so.

        ConfigurationError: the file is written in a way that this cannot change.
        """
        source, provider = self._find(name)
        mine = self._open and self._user_file is not None and source in {"user", "preset"}
        if mine and grant in provider.grants and grant != provider.grants[0]:
            others = [each for each in provider.grants if each != grant]
            self.write_down(name, {"grants": [grant, *others]})

    def _require_open(self) -> None:
        if not self._open:
            raise ConfigurationError(
                "Only the providers that the administrator configured can be used here.",
                hint="Ask for it to be added to c.JupyterAuth.providers.",
            )

    def _find(self, name: str) -> tuple[str, Provider]:
        if is_handle(name):
            return "code", self._code.get(name)
        names: set[str] = set()
        for source, providers in self._layers():
            if name in providers:
                return source, self._made(name, providers[name])
            names.update(providers)
        hints = [nearest(name, names, most=3), *(each.message for each in self.problems)]
        raise ProviderNotFound(f"No provider is called {name!r:.80}.", hint=" ".join(hints))

    def _layers(self, *, skip_broken: bool = False) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """What counts most goes first; a broken user file harms only what would come after it."""
        yield "configured", self._configured
        if not self._open:
            return
        try:
            tables = self._user_tables()
        except ConfigurationError:
            if not skip_broken:
                raise
            tables = {}
        yield "user", tables
        yield "preset", _presets()

    def _user_tables(self) -> Mapping[str, Any]:
        return keeping.tables(self._user_file) if self._user_file else {}

    def _made(self, name: str, entry: Any) -> Provider:
        """With the client credentials that are kept elsewhere."""
        if isinstance(entry, ConfigurationError):
            raise ConfigurationError(entry.message, hint=entry.hint)
        made = entry if isinstance(entry, Provider) else provider_from_mapping(name, entry)
        return _completed(made, from_environment(self._environ, name))

    def _listed(self, source: str, name: str, entry: Any) -> ProviderInfo | None:
        """One broken entry must not hide the others. Whoever chooses one is told why."""
        try:
            provider = self._made(name, entry)
        except ConfigurationError:
            if source == "preset":
                raise
            shown = source == "configured" and NAME.fullmatch(name)
            return ProviderInfo(name=name, title=name, host="", source="broken") if shown else None
        return provider.info(source) if provider.client_id else None


def _taken(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"The administrator has configured {name!r} already.",
        hint="Use it as it is, or give your own another name.",
    )


def _completed(provider: Provider, found: Credentials) -> Provider:
    """Those found are for the service account, where there can be one. A package's are the last."""
    fields: dict[str, Any] = found.fields()
    if fields and provider.service:
        fields = {"service": dataclasses.replace(provider.service, **fields)}
    provider = replace_provider(provider, **fields) if fields else provider
    if provider.credentials_from and not provider.client_secret:
        public = from_package(provider.credentials_from)
        if provider.client_id in {None, public.client_id}:
            fields = public.fields()
            provider = replace_provider(provider, **fields) if fields else provider
    return provider


@functools.cache
def _presets() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("presets.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
