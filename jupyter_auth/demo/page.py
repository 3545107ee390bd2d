"""The demo provider's authorization endpoint: the one page of it that a person sees.

It lies under the Jupyter server, behind Jupyter's own sign-in, so that it works wherever the
server does. What is chosen here is handed to the provider within this process, and of the
provider's answer only the redirect goes on, to this server's own callback and nowhere else.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from tornado import web

from jupyter_auth.demo.people import PEOPLE
from jupyter_auth.server.broker.redirect_uri import checked_origin
from jupyter_auth.server.browser import render
from jupyter_auth.server.browser.base_handler import may
from jupyter_auth.server.browser.pages import SEE_OTHER, PageHandler

if TYPE_CHECKING:
    from jupyter_auth.demo.provider import DemoProvider
    from jupyter_auth.server.broker.broker import Broker

NAME = "demo"
PATH = "jupyter-auth-demo/authorize"
BAD_REQUEST = 400


class AuthorizationPage(PageHandler):
    """RFC 6749 3.1: asks who you are, answers with a redirect."""

    provider: DemoProvider

    def initialize(self, broker: Broker, provider: DemoProvider) -> None:  # type: ignore[override]
        """What the route table gives."""
        super().initialize(broker)
        self.provider = provider

    @property
    def content_security_policy(self) -> str:
        """As everywhere, but this page is a form."""
        return super().content_security_policy.replace("form-action 'none'", "form-action 'self'")

    def set_default_headers(self) -> None:
        """Under ``no-referrer`` a form's ``Origin`` is ``null``, which Jupyter refuses."""
        super().set_default_headers()
        self.set_header("Referrer-Policy", "same-origin")

    @web.authenticated
    @may("read")
    def get(self) -> None:
        """The choice of who to be."""
        self._require_own_callback()
        if not self.provider.acceptable(self.request.query):
            raise web.HTTPError(BAD_REQUEST, "The demo provider cannot use this request")
        self.finish(
            _template().render(
                base_url=self.base_url,
                static=functools.partial(_static, self.base_url),
                people=PEOPLE,
                xsrf_token=self.xsrf_token.decode(),
            )
        )

    @web.authenticated
    @may("write")
    def post(self) -> None:
        """The choice that was made. XSRF is checked by Jupyter before."""
        redirect_uri = self._require_own_callback()
        query = self.request.query
        chosen = self.get_body_argument("person", "")
        if not self.provider.acceptable(query):
            raise web.HTTPError(BAD_REQUEST, "The demo provider cannot use this request")
        if chosen in {person.sub for person in PEOPLE}:
            location = self.provider.grant(query, chosen)
        else:
            location = self.provider.deny(query)
        if location.partition("?")[0] != redirect_uri:
            raise web.HTTPError(BAD_REQUEST, "The demo provider does not lead back here")
        self.redirect(location, status=SEE_OTHER)

    def _require_own_callback(self) -> str:
        """The redirect URI, once it is known to be this server's callback for this provider."""
        given = parse_qs(self.request.query).get("redirect_uri", [])
        parts = urlsplit(given[0] if len(given) == 1 else "")
        own = f"{parts.scheme}://{parts.netloc}{self.broker.callback_path(NAME)}"
        checked_origin(
            f"{parts.scheme}://{parts.netloc}", self.request.host, self.broker.public_origin
        )
        if given != [own]:
            raise web.HTTPError(BAD_REQUEST, "The demo provider only leads back to this server")
        return own


@functools.cache
def _template() -> Any:
    """In the frame of the server's own pages, and with their style sheet."""
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(__package__), PackageLoader(render.__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("authorize.html")


def _static(base_url: str, name: str) -> str:
    extension = "jupyter_auth_demo" if name == "demo.css" else "jupyter_auth"
    return f"{base_url}static/{extension}/{name}"
