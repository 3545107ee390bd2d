"""The presets as the pages need them: with example values, a first call, and the commands.

`presets.toml` beside this says what the package does not need to know.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote, urljoin

from generate.messages import REST
from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.info import in_order
from jupyter_auth.core.provider.presets import DIRECTORY, PRESETS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.provider.provider import Provider

ABOUT = tomllib.loads(Path(__file__).with_name("presets.toml").read_text(encoding="utf-8"))
CLIENT_ID = "YOUR-CLIENT-ID"
URL = re.compile(r"https://\S*[\w/]")  # in a text


class Preset(NamedTuple):
    """``provider`` has example values for what the preset leaves open (``set``)."""

    name: str
    provider: Provider
    set: Mapping[str, str]

    @property
    def about(self) -> str:
        """What it is for, in a few words."""
        return str(ABOUT[self.name]["about"])

    @property
    def works_at_once(self) -> bool:
        """Whether it brings a client ID."""
        return bool(self.provider.client_id or self.provider.credentials_from)

    @property
    def people(self) -> bool:
        """Whether people sign in, not service accounts alone."""
        p = self.provider
        known = p.endpoints and p.endpoints.authorization_endpoint
        return bool(p.issuer or p.metadata_url or known or p.grants)

    @property
    def secret(self) -> bool:
        """Whether what is registered has a client secret."""
        p = self.provider
        return p.register.client == "confidential" if p.register else p.client_auth == "basic"

    @property
    def redirects(self) -> bool:
        """Whether a browser comes back, so that a redirect URI is registered."""
        grants = self.provider.grants
        return self.people and (not grants or "authorization_code" in grants)

    @property
    def host(self) -> str:
        """Where people sign in; a part of it that each says for themselves is left out."""
        host = host_of(self.provider.address)
        for value in self.set.values():
            host = "your own" if host == value else host.replace(f"{value}.", f"{REST}.")
        return host

    @property
    def placeholders(self) -> Mapping[str, Mapping[str, str]]:
        """What the preset leaves open."""
        return dict(PRESETS[self.name].get("placeholders", {}))

    @property
    def sets(self) -> str:
        """The options of a command that fill it in."""
        return "".join(f" --set {key}={value}" for key, value in self.set.items())

    @property
    def notes(self) -> str:
        """The sentences at the top of its file, in Markdown."""
        lines = (DIRECTORY / f"{self.name}.toml").read_text(encoding="utf-8").splitlines()
        count = next((n for n, line in enumerate(lines) if not line.startswith("#")), 0)
        text = " ".join(line.removeprefix("#").strip() for line in lines[:count])
        parts = text.split("`")
        return "`".join(
            part if at % 2 else URL.sub(r"<\g<0>>", part) for at, part in enumerate(parts)
        )

    @property
    def url(self) -> str:
        """The address of the first call."""
        base, about = self.provider.base_url or "", ABOUT[self.name]
        if not base and self.provider.base_url_from:
            base = self.provider.api_origins[0].replace("*", "acme") + "/"
        return urljoin(base, quote(self._filled(about.get("get") or about["post"]), ":/?&=$%*,+"))

    @property
    def call(self) -> str:
        """The line of Python with the first call."""
        about = ABOUT[self.name]
        verb = "post" if "post" in about else "get"
        more = f", json={json.dumps(about['json'])}" if "json" in about else ""
        result = ".status_code" if self.url == self.provider.base_url else ".json()"
        return f'session.{verb}("{self._filled(about[verb])}"{more}){result}'

    @property
    def curl(self) -> str:
        """The same in a terminal."""
        about, header = ABOUT[self.name], self.provider.header
        token = header.template.replace("{token}", f"$(jupyter auth token {self.name})")
        words = ["curl", f'--header "{header.name}: {token}"']
        words += [f"--header '{key}: {value}'" for key, value in self.provider.api_headers.items()]
        words += [f"--json '{json.dumps(about['json'])}'"] if "json" in about else []
        words += ["--request POST"] if "post" in about and "json" not in about else []
        return " \\\n  ".join([*words, f"'{self.url}'"])

    @property
    def table(self) -> str:
        """Its table in ``providers.toml``."""
        lines = [f"[{self.name}]"]
        if self.set:
            values = ", ".join(f'{key} = "{value}"' for key, value in self.set.items())
            lines.append(f"set = {{ {values} }}")
        if not self.works_at_once:
            lines.append(f'client_id = "{CLIENT_ID}"')
        return "\n".join(lines)

    @property
    def command(self) -> str:
        """The command that adds the same."""
        words = ["jupyter auth add", self.name + self.sets, f"--client-id {CLIENT_ID}"]
        return " ".join(words + ["--client-secret"] * self.secret)

    def _filled(self, text: str) -> str:
        for key, each in self.placeholders.items():
            text = text.replace(f"{{{key}}}", self.set.get(key) or each["default"])
        return text


def presets() -> list[Preset]:
    """All of them, in the order of each list."""
    made = {name: _preset(name) for name in PRESETS}
    known = in_order(each.provider.info("preset") for each in made.values())
    return [made[info.name] for info in known]


def _preset(name: str) -> Preset:
    values = {
        key: _example(key, each["says"])
        for key, each in PRESETS[name].get("placeholders", {}).items()
        if "default" not in each
    }
    return Preset(name, provider_from_mapping(name, {"set": values} if values else {}), values)


def _example(key: str, says: str) -> str:
    """The example in a placeholder's sentence."""
    found = re.search(r"such as (\S+)$", says)
    return found[1] if found else f"my-{key}"
