"""A page for each preset, made from its data, and the table of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generate import symptoms
from generate.presets import Preset, presets
from jupyter_auth.core.login.loopback import uris as loopback_uris
from jupyter_auth.core.provider import guides
from jupyter_auth.core.provider.client_credentials import variable
from jupyter_auth.server.broker.redirect.hub import CALLBACK

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HUB = "https://hub.acme.example"
GRANTS = {
    "authorization_code": "in the browser, which comes back by itself",
    "device_code": "with a code that you type at the provider's page",
    "paste": "in the browser; you copy a code from the provider's page",
    "api_key": "with a static API key",
    "password": "with user name and password, on a page of your Jupyter server",
}
FILE = "`providers.toml`, in your configuration directory (`~/.config/jupyter_auth` on Linux)"
MORE = "../how-to/other-clients.md"
SECRETS = "../how-to/secrets.md"


def pages() -> dict[str, str]:
    """A page for each, and the table of all."""
    made = {f"providers/{each.name}.md": _page(each) for each in presets()}
    return {**made, "_generated/presets.md": _table()}


def _table() -> str:
    rows = ["| provider | for | before the first sign-in |", "|---|---|---|"]
    for each in presets():
        name = f"[{each.provider.title}](../providers/{each.name}.md), `{each.name}`"
        rows.append(f"| {name} | {each.about} ({each.host}) | {_before(each)} |")
    listed = "\n".join(each.name for each in presets())
    return "\n".join(rows) + f"\n\n```{{toctree}}\n:hidden:\n\n{listed}\n```\n"


def _before(preset: Preset) -> str:
    own = " and ".join(f"your {key}" for key in preset.set)
    if package := preset.provider.credentials_from:
        return f"`pip install {package.package}`"
    if preset.works_at_once:
        return f"say {own}" if own else "nothing"
    if not preset.people:
        return "a service account"
    return f"say {own}, register an application" if own else "register an application"


def _page(preset: Preset) -> str:
    sections = [
        f"# {preset.provider.title}",
        f"For {preset.about}. {_lead(preset)}",
        *_sign_in(preset),
        *_register(preset),
        *_first_call(preset),
        *_configuration(preset),
        "## Good to know",
        *filter(None, [preset.notes]),
        "\n".join(f"- {each}" for each in _facts(preset)),
        *_troubles(preset),
    ]
    return "\n\n".join(sections) + "\n"


def _lead(preset: Preset) -> str:
    at = "its page" if preset.set else f"`{preset.host}`"
    if not preset.people:
        return f"Service accounts only: people don't sign in. Tokens come from {at}."
    start = f"You sign in at {at}, {_how(preset)}."
    if package := preset.provider.credentials_from:
        return (
            f"{start} Nothing has to be registered, as long as the package `{package.package}`,"
            " which has the client's credentials, is installed beside Jupyter."
        )
    if preset.works_at_once:
        return f"{start} Nothing has to be registered."
    return f"{start} Before that, you register an application there, once."


def _how(preset: Preset) -> str:
    grants = preset.provider.grants or ("authorization_code",)
    ways = ", or ".join(GRANTS[each] for each in grants)
    if alone := preset.provider.public_grants:
        ways += f"; with a client ID alone, {GRANTS[alone[0]]}"
    return ways


def _sign_in(preset: Preset) -> Iterator[str]:
    if not preset.people:
        return
    login = f"auth login {preset.name}{preset.sets}"
    yield "## Sign in"
    yield f"In a notebook:\n\n```python\n%load_ext jupyter_auth\n%{login}\n```"
    yield f"In a terminal, for scripts:\n\n```sh\njupyter {login}\n```"
    asked = []
    for key, each in preset.placeholders.items():
        usual = f" It is `{each['default']}` unless you say otherwise." if "default" in each else ""
        asked.append(f"- `--set {key}=…`: {each['says']}.{usual}")
    if asked:
        yield "Said once, and kept:\n\n" + "\n".join(asked)
    if not preset.works_at_once:
        yield (
            "The first time, both ask for the client ID of your application. The page of the"
            " sign-in shows the steps below, with the redirect URI to copy."
        )


def _register(preset: Preset) -> Iterator[str]:
    title, register = preset.provider.title, preset.provider.register
    if not preset.people or preset.works_at_once:
        return
    yield "## Register an application"
    if register:
        where = f"Open [`{register.url}`]({register.url})." if register.url else f"Go to {title}."
        steps = guides.steps(register, "the redirect URI (see below)")
        yield "\n".join(f"{n}. {each}" for n, each in enumerate([where, *steps], 1))
        yield f"Kind of client: {guides.KINDS[register.client]}."
    else:
        yield f"Ask {title} for an application of your own: you get a client ID for it."
    if preset.redirects:
        yield _redirect_uris(preset)


def _redirect_uris(preset: Preset) -> str:
    own, name = preset.provider, preset.name
    alone = loopback_uris.redirect_uri(own, 0).replace(":0/", "/")
    here = "JupyterLab, Notebook or VS Code on your machine, and scripts there"
    uris = {
        here: guides.redirect_uri(own),
        "scripts alone, without Jupyter, if the provider takes any port": alone,
        "a Jupyter server elsewhere": f"https://jupyter.acme.example/{CALLBACK}{name}",
        "a JupyterHub with the service": f"{HUB}/services/{CALLBACK}{name}",
    }
    if not preset.secret:
        uris["a JupyterHub without it"] = f"{HUB}/hub/user-redirect/{CALLBACK}{name}"
    listed = "\n".join(f"- {where}: `{uri}`" for where, uri in uris.items())
    return f"The redirect URI depends on where you sign in:\n\n{listed}"


def _first_call(preset: Preset) -> Iterator[str]:
    kind, provider = ("UserSession", "") if preset.people else ("ClientSession", "provider=")
    yield "## A first call"
    yield (
        f"```python\nfrom jupyter_auth import {kind}\n\n"
        f'session = {kind}({provider}"{preset.name}")\n{preset.call}\n```'
    )
    if preset.people:
        yield (
            "The same lines work in a script. With another program, in a terminal:\n\n"
            f"```sh\n{preset.curl}\n```"
        )


def _configuration(preset: Preset) -> Iterator[str]:
    if preset.works_at_once and not preset.set:
        return
    yield "## The configuration"
    if not preset.people:
        client_id, secret = (variable(preset.name, f"client_{each}") for each in ("id", "secret"))
        where = f"where Jupyter or the script is started: see [Keep secrets in files]({SECRETS})"
        yield f"Set `{client_id}` and `{secret}_FILE` {where}."
        return
    yield f"The sign-in saves it in {FILE}:\n\n```toml\n{preset.table}\n```"
    if not preset.works_at_once:
        asks = " It asks for the client secret, which is kept in a file of its own." * preset.secret
        yield f"This command writes the same:{asks}\n\n```sh\n{preset.command}\n```"


def _facts(preset: Preset) -> Iterator[str]:
    """What its fields say, a sentence each."""
    p, name = preset.provider, preset.name
    lockout = f"{(p.throttle.lockout or 0) / 60:.0f} minutes"
    early = f"{p.leeway / 60:.0f} minutes" if p.leeway else "shortly"
    says = {
        f"Relative URLs are joined to `{p.base_url_from or p.base_url}`.": (
            p.base_url_from or p.base_url
        ),
        f"The token is sent only to {_list(p.api_origins)}.": True,
        f'Scopes asked for: {_list(p.scopes)}. `UserSession("{name}", scopes="…")` asks for'
        " others.": p.scopes,
        f"You stay signed in where {p.title} sends a refresh token: access tokens are renewed"
        f" {early} before they expire.": preset.people,
        f"Too many calls lock the {p.throttle.scope} out for {lockout}: until then no call is"
        " sent.": p.throttle.lockout,
        f"After {_list(map(str, p.refresh_on))} of its API, a session gets a new token and tries"
        " again.": p.refresh_on != (401,),
        f"The same sign-in works for {_list(p.resources)}: see [how to use them]({MORE}).": (
            p.resources
        ),
        f"With {_list(p.api_key.environment.values() if p.api_key else ())} set, a session uses"
        " that API key, and no one has to sign in.": p.api_key,
        f"`jupyter auth import {name}` takes over sign-ins of its own package.": p.import_from,
        f'Service accounts: `ClientSession(provider="{name}")`.': p.service is not None,
        "Signing out deletes the tokens here. They are not revoked at the provider.": not p.revoke,
    }
    return (sentence for sentence, holds in says.items() if holds)


def _list(words: Iterable[str]) -> str:
    return ", ".join(f"`{each}`" for each in words)


def _troubles(preset: Preset) -> Iterator[str]:
    doctor = f"auth doctor {preset.name}"
    yield "## If something goes wrong"
    yield "\n".join(map(symptoms.cause, _usual(preset)[:3]))
    yield (
        f"`%{doctor}`, or `jupyter {doctor}` in a terminal, checks all of this."
        " [Help](../help/index.md) has everything else."
    )


def _usual(preset: Preset) -> list[str]:
    """What goes wrong there most, as `causes.toml` names it."""
    p = preset.provider
    may = {
        "The client secret for … comes with the package …": p.credentials_from,
        "This is not an authorization code, a redirect URL, or the text …": "paste" in p.grants,
        "… needs to know: …": preset.set,
        "the provider says *redirect URI mismatch*, or its page never comes back": (
            preset.redirects and not preset.works_at_once
        ),
        "… rejected the client ID or secret …": not preset.works_at_once,
        "… takes no calls until …": p.throttle.lockout,
        "The code for … was not used in time.": {"device_code"} & {*p.grants, *p.public_grants},
        "… has no base_url, so relative URLs cannot be used.": not (p.base_url or p.base_url_from),
        "401 from an API, and an `AuthWarning`": True,
        "The sign-in to … lacks the scopes …": preset.people,
        "The sign-in to … has expired and cannot be refreshed.": preset.people,
    }
    return [symptom for symptom, holds in may.items() if holds]
