"""Which configuration of a name counts, and which secrets complete it.

The administrator's (``c.JupyterAuth.providers``) goes first and cannot be replaced, then the
user's ``providers.toml``, then the presets of this package. What was made in code goes by a handle,
and so changes what no name means.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

import platformdirs

from jupyter_auth.core.common.handles import NAME, is_handle, plain
from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from jupyter_auth.core.provider import binding, user_providers
from jupyter_auth.core.provider.client_credentials import (
    Credentials,
    Password,
    completed,
    from_environment,
    password_from_environment,
    variable,
)
from jupyter_auth.core.provider.definitions import (
    ADDRESSES,
    TOKENS_ONLY,
    own_client,
    presets,
    provider_from_mapping,
    replace_provider,
)
from jupyter_auth.core.provider.kinds import nearest
from jupyter_auth.core.provider.made_in_code import ProvidersMadeInCode, handle_of
from jupyter_auth.core.provider.provider import Provider, ProviderInfo
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.models import Account


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
    made = replace_provider(before, **own_client(vars(before), changes))
    if "client_secret" in changes or binding.same(before, made, but=TOKENS_ONLY):
        return made
    return replace_provider(made, client_secret=None)  # it was given for other endpoints


def user_file() -> Path:
    """Where a person's own providers are written down."""
    return platformdirs.user_config_path("jupyter_auth") / "providers.toml"


class Providers:
    """All providers that one person can sign in at, by name.

    ``configured`` is the administrator's; with ``allow_user_providers`` off there is nothing
    else. An error in it is what is wrong with that provider: whoever asks for it is told. A broken
    user file or preset is reported when it is asked for, not at start.
    ``environ``: where client ids and secrets are looked up. ``own_process``: in a program which
    the person runs, and which no kernel asks: then they are for their own file too.
    ``problems``: what is wrong with the configuration, for doctor and whoever misses a provider;
    ``notes``: what doctor says of it besides.
    """

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
    ) -> None:
        self.problems = problems
        self.notes = notes
        self._configured = {
            name: table
            if isinstance(table, Provider | ConfigurationError)
            else provider_from_mapping(name, table)
            for name, table in (configured or {}).items()
        }
        self._user_file = user_file
        self._open = allow_user_providers
        self._environ = environ or {}
        self._own_process = own_process
        self._code = ProvidersMadeInCode()

    def get(self, name: str) -> Provider:
        """The provider of that name. ProviderNotFound names those near it."""
        source, bare = self._defined(name)
        provider = self._completed(source, bare)
        mine = source in {"user", "preset"} and provider.client_id == bare.client_id
        if provider.client_secret or self._user_file is None or not mine:
            return provider
        bound = bare.fingerprints(trusted=self._trusted(source, bare))
        secret = user_providers.kept_secret(self._user_file, name, bound)
        return replace_provider(provider, client_secret=secret) if secret else provider

    def trusts(self, name: str) -> bool:
        """Whether what this process has of people's secrets is for what that name means.

        It is for what the administrator or this package says, and for a person's own file where
        that only adds a client, scopes and the like; never for what a kernel says.
        """
        return self._own_process or self._trusted(*self._defined(name))

    def require_trust(self, name: str) -> None:
        """ConfigurationError: not so."""
        if not self.trusts(name):
            raise ConfigurationError(
                f"What other programs keep isn't given to the {plain(name)!r} of your own file.",
                hint="Configure it in c.JupyterAuth.providers, or import it in a terminal.",
            )

    def _trusted(self, source: str, bare: Provider) -> bool:
        if source != "user":
            return source != "code"
        preset = presets().get(bare.name)
        if preset is None:
            return False
        other = provider_from_mapping(bare.name, preset)
        return binding.same(bare, other, but={"client_id", "credentials_from"})

    def bound_anew(self, account: Account) -> Account:
        """An account of the first version, bound to what a definition says that no kernel made."""
        with contextlib.suppress(ConfigurationError):
            if binding.is_of_first_version(account.fingerprint):
                trusted = self._trusted(*self._defined(account.provider))
                provider = self.get(account.provider)
                if account.fingerprint in provider.fingerprints(trusted=trusted):
                    typed = "password" in provider.grants and account.subject is None
                    vouched = provider.vouches or typed
                    fresh = provider.fingerprint
                    return dataclasses.replace(account, fingerprint=fresh, vouched=vouched)
        return account

    def unanswered(self, name: str) -> ConfigurationError | None:
        """What to do where there is a client secret, and for another definition. None: not so."""
        source, _ = self._defined(name)
        mine = source in {"user", "preset"} and not self.get(name).client_secret
        if not mine or self._user_file is None:
            return None
        hint = f"Give it for this one: `jupyter auth add {name} --client-secret`."
        if from_environment(self._environ, name).client_secret and not self.trusts(name):
            return ConfigurationError(
                f"{variable(name, 'client_secret')} is for what the server's configuration says of"
                f" {name!r}, and not for {self._user_file}.",
                hint=hint,
            )
        hint += f" If its client has none: `jupyter auth add {name} --client-id ID`."
        theirs, its_secret = (variable(name, each) for each in ("client_id", "client_secret"))
        if self._environ.get(theirs) and self.trusts(name):
            hint = f"{theirs} says which client it is: set {its_secret} too, if that has one."
        why = user_providers.why_not_used(self._user_file, name)
        return ConfigurationError(why, hint=hint) if why else None

    def service(self, name: str) -> Provider:
        """The provider of that name as its service account sees it.

        ProviderNotFound. ConfigurationError: its client is for people's sign-ins alone.
        """
        provider = self.get(name)
        if problem := self.unanswered(name):
            raise problem
        if provider.service is None:
            raise ConfigurationError(
                f"{provider.title} is not configured for service accounts.",
                hint="Give your own client_id and client_secret to ClientSession; or set `service`"
                " of the provider in the configuration, which lends them to notebooks.",
            )
        return provider.as_service()

    def password(self, name: str) -> Password | None:
        """The user name and password of the environment, where that provider takes passwords."""
        found = password_from_environment(self._environ, plain(name))
        if found is None or "password" not in self._find(name)[1].grants:
            return None
        return found if self.trusts(name) else None

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

    def having(self, field: str) -> set[str]:
        """The names that some definition gives this field: none is made to find out."""
        return {
            name
            for _, providers in self._layers(skip_broken=True)
            for name, entry in providers.items()
            if (field in entry if isinstance(entry, dict) else getattr(entry, field, None))
        }

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

    def made_in_code(self) -> list[str]:
        """The handles of those that are known now."""
        return self._code.handles()

    def configure(self, provider: Provider) -> None:
        """Make one of this server's own known. ConfigurationError: users may not add any here."""
        self._require_open()
        self._configured = {**self._configured, provider.name: provider}  # others may be at it

    def _is_known(self, provider: Provider) -> bool:
        """Whether its name means this very definition.

        A secret that it brings is not compared, or a kernel would learn whether it guessed one.
        """
        try:
            known, bare = self.get(provider.name), self._defined(provider.name)[1]
        except ConfigurationError:
            return False
        if not _secrets(provider) <= _secrets(known):
            return False
        return handle_of(provider) in map(handle_of, (known, bare))

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
            user_providers.keep_secret(self._user_file, provider, kept)
        if given:
            user_providers.write_table(self._user_file, name, given)
        if {k for k, v in fields.items() if v} == {"client_id"} and self.unanswered(name):
            user_providers.forget_secret(self._user_file, name)
        return self.info(name)

    def completable(self, name: str) -> bool:
        """Whether a person may add what is missing of it: a preset's client, or a secret."""
        if not self._open or self._user_file is None:
            return False
        source = self.info(name).source
        if source == "user":  # with addresses of its own it is no preset any more
            table = self._user_tables().get(name, {})
            return name in presets() and not ADDRESSES & table.keys()
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
        source, bare = self._defined(name)
        return source, self._completed(source, bare)

    def _defined(self, name: str) -> tuple[str, Provider]:
        """Where it is defined, and as what: without what the environment and packages add."""
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
        yield "preset", presets()

    def _user_tables(self) -> Mapping[str, Any]:
        return user_providers.tables(self._user_file) if self._user_file else {}

    def _made(self, name: str, entry: Any) -> Provider:
        if isinstance(entry, ConfigurationError):
            raise ConfigurationError(entry.message, hint=entry.hint)
        return entry if isinstance(entry, Provider) else provider_from_mapping(name, entry)

    def _completed(self, source: str, bare: Provider) -> Provider:
        """With the client credentials of the environment, and those of a package as the last."""
        if source == "code":
            return bare
        trusted = self._own_process or self._trusted(source, bare)
        found = from_environment(self._environ, bare.name) if trusted else Credentials()
        return completed(bare, found)

    def _listed(self, source: str, name: str, entry: Any) -> ProviderInfo | None:
        """One broken entry must not hide the others. Whoever chooses one is told why."""
        try:
            provider = self._completed(source, self._made(name, entry))
        except ConfigurationError:
            shown = source in {"configured", "preset"} and NAME.fullmatch(name)
            return ProviderInfo(name=name, title=name, host="", source="broken") if shown else None
        return provider.info(source) if provider.client_id else None


def _taken(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"The administrator has configured {name!r} already.",
        hint="Use it as it is, or give your own another name.",
    )


def _secrets(provider: Provider) -> set[str]:
    """Which secrets it has."""
    places = {"client": provider, "service": provider.service}
    return {name for name, place in places.items() if place and place.client_secret}
