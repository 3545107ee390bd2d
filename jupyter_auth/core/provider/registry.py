"""The providers of one person, by name, and which secrets complete them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.handles import NAME, is_address, plain
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
    Incomplete,
    own_client,
    provider_from_mapping,
    replace_provider,
)
from jupyter_auth.core.provider.info import ProviderInfo, in_order
from jupyter_auth.core.provider.layers import Layers, MembersOnly, same_api
from jupyter_auth.core.provider.made_in_code import handle_of, secrets_of
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.user_providers import user_file
from jupyter_auth.core.record import replace as with_fields
from jupyter_auth.core.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from jupyter_auth.core.models import Account
    from jupyter_auth.core.provider.provider import Provider


def provider(name: str, **changes: Any) -> Provider:
    """A preset, or a provider of the user's own file, with fields changed.

    ``set`` has the values of placeholders: ``provider("gitlab", set={"host": "git.uni.edu"})``,
    and ``provider("work", preset="gitlab", set=...)``. Plain mappings complete a table as in TOML:
    ``provider("insideview", throttle={"limit": 10})``. A ``Header``, ``Endpoints`` ... replaces it.

    Raises:
        ProviderNotFound: suggests similar names.
        ConfigurationError: there is no such field or key, or the changed provider cannot work.
    """
    if not isinstance(name, str):
        raise ConfigurationError("The first argument is a provider's name, such as 'github'.")
    known = Providers(user_file=user_file())
    preset, values = changes.pop("preset", None), changes.pop("set", {})
    before = known.filled(name, preset, values) if preset or values else known.get(name)
    made = replace_provider(before, **own_client(vars(before), changes))
    if "client_secret" in changes or binding.same(before, made, but=TOKENS_ONLY):
        return made
    return replace_provider(made, client_secret=None)  # it was given for other endpoints


class Providers(Layers):
    """All providers that one person can sign in to, by name.

    ``configured`` is the administrator's; without ``allow_user_providers`` there is nothing else.
    An error in it stands for a broken provider, and is raised when that is used. A broken user file
    or preset is reported when it is used, not at start. ``environ`` has client IDs and secrets,
    which are for the person's own file too in their ``own_process``, which serves no kernel.
    ``problems`` of the configuration are for doctor and errors about unknown providers; ``notes``
    are for doctor. ``discover``: the hosts whose addresses people may sign in from. ``is_member``:
    of a Hub's groups, None: not known. ``allow_code_providers``: whether kernels may register any.
    """

    def get(self, name: str) -> Provider:
        """The provider of that name, with its secret.

        Raises:
            ProviderNotFound: suggests similar names.
            ConfigurationError: its definition cannot work.
        """
        source, bare = self._defined(name)
        provider = self._completed(source, bare)
        mine = source in {"user", "preset"} and provider.client_id == bare.client_id
        if provider.client_secret or self._user_file is None or not mine:
            return provider
        secret = user_providers.kept_secret(
            *(self._user_file, name),
            lambda: bare.fingerprints(trusted=self._trusted(source, bare)),
        )
        return replace_provider(provider, client_secret=secret) if secret else provider

    def trusts(self, name: str) -> bool:
        """Whether that provider may get people's secrets that this process has.

        It may if the administrator or this package defines it, or a person's own file that adds
        only a client, scopes and the like; never if a kernel defines it.
        """
        return self._own_process or self._trusted(*self._defined(name))

    def require_trust(self, name: str) -> None:
        """Raise a ConfigurationError if ``trusts`` is false."""
        if not self.trusts(name):
            raise ConfigurationError(
                f"{plain(name)!r} of your own file can't get sign-ins of other programs.",
                hint="Configure it in c.JupyterAuth.providers, or import it in a terminal.",
            )

    def _trusted(self, source: str, bare: Provider) -> bool:
        if source != "user":
            return source not in {"code", "found"}
        preset = bare.preset or bare.name
        if preset not in PRESETS or bare.name in PRESETS.keys() - {preset}:
            return False  # the environment means the preset of that name
        try:
            other = provider_from_mapping(bare.name, {"preset": preset})
        except Incomplete:  # it is said where it is
            return False
        return binding.same(bare, other, but={"client_id", "credentials_from"})

    def rebound(self, account: Account) -> Account:
        """The account; one of the first version gets the fingerprint of a trusted definition."""
        with contextlib.suppress(ConfigurationError):
            if binding.is_of_first_version(account.fingerprint):
                trusted = self._trusted(*self._defined(account.provider))
                provider = self.get(account.provider)
                if account.fingerprint in provider.fingerprints(trusted=trusted):
                    typed = "password" in provider.grants and account.subject is None
                    vouched = provider.vouches or typed
                    bound = provider.fingerprint
                    return with_fields(account, fingerprint=bound, vouched=vouched)
        return account

    def unused_secret(self, name: str) -> ConfigurationError | None:
        """The error for a client secret that there is, but for another definition."""
        source, _ = self._defined(name)
        mine = source in {"user", "preset"} and not self.get(name).client_secret
        if not mine or self._user_file is None:
            return None
        hint = f"Add it for this one: `jupyter auth add {name} --client-secret`."
        if from_environment(self._environ, name).client_secret and not self.trusts(name):
            return ConfigurationError(
                f"{variable(name, 'client_secret')} is only used for {name!r} as the server"
                f" configures it, not for the one in {self._user_file}.",
                hint=hint,
            )
        hint += f" If the client has none: `jupyter auth add {name} --client-id ID`."
        theirs, its_secret = (variable(name, each) for each in ("client_id", "client_secret"))
        if self._environ.get(theirs) and self.trusts(name):
            hint = f"{theirs} names the client: set {its_secret} too, if that has one."
        why = user_providers.why_not_used(self._user_file, name)
        return ConfigurationError(why, hint=hint) if why else None

    def service(self, name: str) -> Provider:
        """The provider of that name, with the fields of its service account.

        Raises:
            ProviderNotFound, ConfigurationError: it has none.
        """
        provider = self.get(name)
        if problem := self.unused_secret(name):
            raise problem
        if provider.service is None:
            raise ConfigurationError(
                f"{provider.title} is not configured for service accounts.",
                hint="Pass your own client_id and client_secret to ClientSession; or set `service`"
                " of the provider in the configuration, which lends them to notebooks.",
            )
        return provider.as_service()

    def password(self, name: str) -> Password | None:
        """The environment's user name and password, if that provider has the password grant."""
        found = password_from_environment(self._environ, plain(name))
        if found is None or "password" not in self._find(name)[1].grants:
            return None
        return found if self.trusts(name) else None

    def info(self, name: str) -> ProviderInfo:
        """What kernels may know of it, be it incomplete; its address will do for the name.

        Raises as ``get``.
        """
        name = self.at(name) if is_address(name) else name
        source, entry = self._entry(name)
        try:
            return self._completed(source, self._made(name, entry)).info(source, name)
        except Incomplete as error:
            return error.outline.info(source, name)

    def outline(self, name: str) -> Provider:
        """As ``get``; of an incomplete one, what is known."""
        try:
            return self.get(name)
        except Incomplete as error:
            return error.outline

    def all(self, *, unregistered: bool = False) -> list[ProviderInfo]:
        """All providers with a client ID, in the order in which they are listed, and the
        administrator's broken ones; with ``unregistered`` those that a person can complete too.
        """
        found: dict[str, ProviderInfo | None] = {}
        every = unregistered and self.user_file is not None
        for source, providers in self._layers(skip_broken=True):
            for name in providers.keys() - found.keys():
                found[name] = self._listed(source, name, providers[name], every=every)
        return in_order(filter(None, found.values()))

    def register(self, provider: Provider) -> ProviderInfo:
        """Add a provider of a person's own code: the info has its handle as the name.

        If it equals what its name means already, it is that one.

        Raises:
            ConfigurationError: as ``_limited``; only others may be used, or one has that name.
        """
        self._require_code_allowed(provider)
        if self._is_known(provider):
            return self.info(provider.name)
        self._require_free(provider.name)
        return provider.info("code", self._code.add(provider))

    def _is_known(self, provider: Provider) -> bool:
        """Whether its name means this very definition.

        Secrets are not compared, or a kernel would learn whether it guessed one.
        """
        try:
            known, bare = self.get(provider.name), self._defined(provider.name)[1]
        except ConfigurationError:
            return False
        as_secret = secrets_of(provider) <= secrets_of(known)
        return as_secret and handle_of(provider) in map(handle_of, (known, bare))

    def changed(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> Provider:
        """The provider that ``save`` would make of the same. Raises as ``save``."""
        return provider_from_mapping(name, self._merged(name, fields, replace=replace))

    def _file_for(self, name: str) -> Path:
        self._require_open()
        self._require_free(name)
        if self._user_file is None:
            raise ConfigurationError("There is no file for your own providers here.")
        return self._user_file

    def _merged(
        self, name: str, fields: Mapping[str, Any], *, replace: bool = False
    ) -> dict[str, Any]:
        """Its table with these fields, of which those that are tables complete the known ones."""
        known = {} if replace else self._user_tables().get(name, {})
        kept = {"client_secret"}  # in a file of its own, instead of one that is in the table
        given = {k: None if k in kept else v for k, v in fields.items() if v is not None}
        for key, value in given.items():
            if isinstance(value, Mapping) and isinstance(known.get(key), Mapping):
                given[key] = {**known[key], **value}
        merged = {**known, **own_client(known, given)}
        table = {k: v for k, v in merged.items() if v is not None}
        user_providers.require_unmoved(self._file_for(name), name, known, table)
        return table

    def save(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> ProviderInfo:
        """Write a provider into the person's own file, and its client secret into one beside it.

        Of one that is there already these fields change, with ``replace`` all do. A client secret
        that was kept for what it was before is not used any more: ``missing`` names it then. An
        empty one: the one that is kept is forgotten.

        Raises:
            ConfigurationError: users may not add providers here, the administrator's has that name,
                or it cannot work.
        """
        file = self._file_for(name)
        with user_providers.changing(file):
            lacking = self._write(file, name, fields, replace=replace)
        info = self.info(name)
        return with_fields(info, missing=(*info.missing, *lacking - {*info.missing}))

    def _write(
        self, file: Path, name: str, fields: Mapping[str, Any], *, replace: bool = False
    ) -> set[str]:
        """Returns ``client_secret`` if one is kept that does not fit."""
        table, secret = self._merged(name, fields, replace=replace), fields.get("client_secret")
        self._require_own_exchange(name, table)
        try:
            provider = provider_from_mapping(name, table)
        except Incomplete:
            if secret:  # which is kept for one place
                raise
        if secret:
            kept = secret if isinstance(secret, Secret) else Secret(secret)
            user_providers.keep_secret(file, provider, kept)
        elif secret is not None:
            user_providers.forget_secret(file, name)
        if table != self._user_tables().get(name, {}):
            user_providers.write_table(file, name, table)
        with contextlib.suppress(Incomplete):
            if self.unused_secret(name):
                if {k for k, v in fields.items() if v} - {"redirect_uri"} == {"client_id"}:
                    user_providers.forget_secret(file, name)
                return {"client_secret"}
        return set()

    def keep_found(self, fields: Mapping[str, Any], names: Iterable[str]) -> ProviderInfo:
        """Keep a provider that was found by an address, under the first of ``names`` that is free
        or means it already: it replaces none.

        Raises:
            ConfigurationError: it is kept with another issuer, to which its accounts are bound.
        """
        for name in names:
            try:
                known = self._defined(name)[1]
            except ProviderNotFound:
                known = self._kept(name, fields)
            if not same_api(known, fields):
                continue
            if known.issuer != fields["issuer"]:
                raise ConfigurationError(
                    f"{known.title} now names another authorization server: {fields['issuer']},"
                    f" not {known.issuer}. Nothing was changed.",
                    hint=f"If that is right, `jupyter auth remove {name}`, then sign in again.",
                )
            return self.info(name)
        raise ConfigurationError("All names for that address are taken by other providers.")

    def _kept(self, name: str, fields: Mapping[str, Any]) -> Provider:
        """The provider of that name: this one, unless another process was faster."""
        if self._found:
            self._found.keep(name, fields)
        else:
            file = self._file_for(name)
            with user_providers.changing(file):
                if name not in self._user_tables():
                    self._write(file, name, fields)
        return self._defined(name)[1]

    def remove(self, name: str) -> None:
        """Forget a person's own provider, and its client secret. Raises ConfigurationError."""
        self.require_own(name)
        if self._found:
            self._found.forget(name)
        elif self._user_file:
            with user_providers.changing(self._user_file):
                user_providers.remove_table(self._user_file, name)
                user_providers.forget_secret(self._user_file, name)

    def completable(self, name: str) -> bool:
        """Whether a person may add what a preset lacks: its client, or a secret."""
        if self.user_file is None:
            return False
        source = self.info(name).source
        if source == "user":  # with addresses of its own it is not the preset
            table = self._user_tables().get(name, {})
            if "client_id" not in table and "found_at" in table:
                return True
            return table.get("preset", name) in PRESETS and not ADDRESSES & table.keys()
        return source == "preset"

    def prefer(self, name: str, grant: str) -> None:
        """Save that a person's registration is for ``grant``, if they may. Raises as ``save``."""
        source, provider = self._find(name)
        mine = self.user_file is not None and source in {"user", "preset"}
        if mine and grant in provider.grants and grant != provider.grants[0]:
            others = [each for each in provider.grants if each != grant]
            self.save(name, {"grants": [grant, *others]})

    def _find(self, name: str) -> tuple[str, Provider]:
        source, bare = self._defined(name)
        return source, self._completed(source, bare)

    def _completed(self, source: str, bare: Provider) -> Provider:
        """With the client credentials of the environment, or else of a package."""
        if source == "code":
            return bare
        trusted = self._own_process or self._trusted(source, bare)
        found = from_environment(self._environ, bare.name) if trusted else Credentials()
        return completed(bare, found)

    def _listed(self, source: str, name: str, entry: Any, *, every: bool) -> ProviderInfo | None:
        """None for one that is not listed. A broken entry does not hide the others."""
        given = self._environ.get(variable(name, "client_id"))
        ready = given or source != "preset" or {"client_id", "credentials_from"} & entry.keys()
        if not ready and not every:
            return None  # as most presets: it is not even made
        try:
            provider = self._completed(source, self._made(name, entry))
        except MembersOnly:
            return None
        except Incomplete as error:
            return None if source == "preset" and not every else error.outline.info(source)
        except ConfigurationError:
            shown = source in {"configured", "preset"} and NAME.fullmatch(name)
            return ProviderInfo(name=name, title=name, host="", source="broken") if shown else None
        listed = provider.client_id or provider.found_at or provider.exchange or every
        return provider.info(source) if listed else None
