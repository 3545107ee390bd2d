"""Renders the pages from templates, with all values escaped."""

from __future__ import annotations

import functools
import hashlib
import time
from importlib import resources
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.common.urls import host_of
from jupyter_auth.core.consent.consents import Asker
from jupyter_auth.core.errors import OUTCOMES, SCRIPT, START_AGAIN, AuthError, Outcome, Step, advice
from jupyter_auth.core.login.loopback.server import MARK
from jupyter_auth.core.provider import guides
from jupyter_auth.core.wire import login_error

if TYPE_CHECKING:
    from jinja2 import Environment

    from jupyter_auth.core.models import Login
    from jupyter_auth.core.provider.provider import Provider

# What the pages and the browser API say of a next step. Where a button does it, they say nothing.
PAGES: dict[Step, str] = {
    **SCRIPT,
    "start_again": "Start again from your own notebook.",
    "make_session": "Run the cell that makes the session again.",
    "name_provider": "Name one, such as {provider}.",
    "name_or_add_provider": "Add one with `jupyter auth add` in a terminal.",
    "reload": "Reload the page.",
    "restart_server": "Restart the Jupyter server.",
}
STATIC = resources.files(__package__).joinpath("static")

PROBLEMS = {  # of pages without a login, by the last part of their address
    "expired": Outcome(
        "This sign-in is over",
        "It was finished before, or it took too long.",
        "warning",
        next_step=START_AGAIN,
    ),
    "gateway": Outcome(
        "This sign-in belongs to another server",
        "Its kernels run behind a gateway, whose own Jupyter server has this sign-in.",
        "warning",
        hint="Open the whole address that is beside the button in the notebook.",
    ),
    "foreign": Outcome(
        "Started in another browser",
        "This sign-in belongs to another browser or another person. Nothing was stored.",
        "warning",
        hint="Stay in one browser.",
        next_step=START_AGAIN,
    ),
    "overtaken": Outcome(
        "Another sign-in was started",
        "A sign-in to another provider with the same redirect URI was started later. Nothing was "
        "stored.",
        "warning",
        hint="Finish that one first, then open the link in your notebook again.",
    ),
    "forbidden": Outcome(
        "Sign-in isn't allowed on this server",
        "This Jupyter server does not let you sign in to other services.",
        "error",
        hint="Ask its administrator.",
    ),
    "busy": Outcome(
        "Too many sign-ins at once",
        "The provider is overloaded. Nothing was stored.",
        "warning",
        hint="Wait a moment.",
        next_step=START_AGAIN,
    ),
    "away": Outcome(
        "Sign-in is not available now",
        "This Jupyter server's sign-in service does not answer. Nothing was stored.",
        "warning",
        hint="Wait a moment.",
        next_step=START_AGAIN,
    ),
    "failed": Outcome(
        OUTCOMES["failed"].title,
        "The provider's answer could not be used. Nothing was stored.",
        "error",
        hint="The server's log may say more.",
        next_step=START_AGAIN,
    ),
    "signed-out": Outcome(
        "You are signed out of Jupyter",
        "The provider sent you back to a Jupyter server that does not know this browser. "
        "Nothing was stored.",
        "warning",
        hint="Open Jupyter and sign in there. If you use it as localhost and as 127.0.0.1, stay "
        "with one of the two.",
        next_step=START_AGAIN,
    ),
}


def hint(said: AuthError | Outcome) -> str:
    """What to do next, on a page or in a panel."""
    own = said.own_hint if isinstance(said, AuthError) else said.hint
    return advice(own, said.next_step, PAGES)


def ended(login: Login, title: str) -> dict[str, Any]:
    """How a login ended, on a page with a button that starts again."""
    error = login_error(login, title)
    again = error.next_step == START_AGAIN
    return {
        "outcome": OUTCOMES[login.status],
        "text": error.message,
        "hint": error.own_hint if again else hint(error),
    }


LASTS = {  # how the page that asks calls them: see ``consents.LASTS``
    "session": "This session",
    "day": "1 day",
    "month": "30 days",
    "always": "Until you revoke it",
}


def lasts(login: Login) -> dict[str, str]:
    """For how long a consent may last. A program without a kernel has no session."""
    return {name: words for name, words in LASTS.items() if login.kernel or name != "session"}


def answered(login: Login, title: str) -> Outcome:
    """How a question for consent ended."""
    who, error = Asker(login.notebook or "").title, login_error(login, title)
    if login.status == "complete":
        text = f"{who} may use your account at {title} now. You can close this tab."
        return Outcome("Allowed", text, "success")
    if login.status == "denied":
        return Outcome("Not allowed", error.message, "neutral", error.own_hint, error.next_step)
    text = f"{who} asked to use your account at {title}, and got no answer."
    return Outcome("Not answered", text, "late", next_step=START_AGAIN)


def device(login: Login) -> dict[str, Any]:
    """What the page of a device login shows once there is a user code."""
    if login.user_code is None or login.verification_uri is None:
        return {}
    import segno

    uri = login.verification_uri_complete or login.verification_uri
    picture = segno.make(uri, error="m", micro=False)
    return {
        "uri": uri,
        "qr": picture.svg_data_uri(scale=4, border=3, dark="#000", light="#fff"),
        "seconds_left": max(0, int(login.expires_at - time.time())),
    }


# How the pages call a grant: "Sign in ..."
GRANTS = {
    "authorization_code": "on the provider's page",
    "device_code": "with a code",
    "password": "with a password",
    "paste": "with a pasted text",
}
REFUSED = frozenset({"configuration_error", "login_failed", "provider_error"})


def others(login: Login, alternatives: tuple[str, ...]) -> dict[str, str]:
    """The grants to offer, as pages call them, for a pending or refused login."""
    offer = login.status == "pending" or (login.error or {}).get("code") in REFUSED
    return {grant: GRANTS[grant] for grant in alternatives if offer}


def typed(provider: Provider) -> dict[str, Any]:
    """What the pages with a form show of their provider."""
    paste = provider.paste
    host = host_of(paste.url) if paste and paste.url else ""
    return {"paste": paste, "paste_host": host, "api_key": provider.api_key}


def placeholders(provider: Provider) -> dict[str, dict[str, str]]:
    """What the forms ask for, with the values that there are."""
    return {
        name: {"says": each.says, "value": provider.set.get(name) or each.default or ""}
        for name, each in provider.placeholders.items()
    }


def guide(provider: Provider) -> dict[str, Any]:
    """How to get a client ID: a link, sentences. The redirect URI stands below them."""
    given = provider.register
    if given is None or given.client == "none":
        return {"url": None, "says": [], "client": ""}
    says = guides.steps(given, "the redirect URI below")
    return {"url": given.url, "says": says, "client": guides.KINDS[given.client]}


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    found = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["mark"] = Markup(MARK)  # noqa: S704 (ours)
    return found


@functools.cache
def _version(name: str) -> str:
    return hashlib.sha256(STATIC.joinpath(name).read_bytes()).hexdigest()[:16]


def render(template: str, base_url: str, static_url: str, home: str, **values: Any) -> str:
    """The page. The URLs have slashes at both ends; ``home`` is Jupyter's own start page.

    ``reached`` and ``hub_user`` are what its header says of the server, as far as that is known.
    """

    def static(name: str) -> str:
        return f"{static_url}{name}?v={_version(name)}"

    page = _environment().get_template(f"{template}.html")
    header = {"reached": "", "hub_user": ""}
    return page.render(base_url=base_url, home=home, static=static, **header | values)
