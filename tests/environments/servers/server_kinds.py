"""Jupyter servers as people run them: each by what its browser sees of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from environments.servers.tls_proxy import TlsProxy
from patience import PATIENCE
from providers import certificates
from server.jupyter_process import TOKEN, Browser, JupyterProcess

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from providers.certificates import Certificate
    from providers.oidc import OidcProvider

PASSWORD = "jupyter-password-93c1"


@dataclass
class Place:
    """A running server, and the origin at which its person's browser reaches it."""

    server: JupyterProcess
    origin: str
    token: str | None = TOKEN
    verify: str | None = None
    password: str | None = None
    page_origin: str = ""  # where a login's page is opened first, if that is elsewhere

    @property
    def base_url(self) -> str:
        return self.server.base_url

    @property
    def callback(self) -> str:
        """The redirect URI that has to be registered for it."""
        return f"{self.origin}{self.base_url}jupyter-auth/callback/idp"

    def browser(self, origin: str = "") -> Browser:
        """A browser of its person, who has signed in to Jupyter in the way that it offers."""
        browser = Browser(origin or self.origin, self.base_url)
        browser.session.verify = self.verify or True
        if self.password:
            browser.get("login")
            form = {"_xsrf": browser.xsrf, "password": self.password}
            browser.session.post(browser.url("login"), data=form, timeout=PATIENCE)
        elif self.token:
            browser.get("api/me", params={"token": self.token}).raise_for_status()
        return browser


class Builder:
    """Starts one kind of server after the other; ``stack`` ends what was started."""

    def __init__(self, oidc: OidcProvider, home: Path, stack: ExitStack) -> None:
        self._oidc = oidc
        self._home = home
        self._stack = stack

    def build(self, kind: str) -> Place:
        place: Place = getattr(self, kind)()
        application_type = "web" if place.origin.startswith("https:") else "native"
        self._oidc.add_client(kind, place.callback, application_type=application_type)
        return place

    def _make(self, kind: str, *arguments: str, base_url: str = "/") -> JupyterProcess:
        """Not started yet: its port is known, its configuration may be changed."""
        provider = {"issuer": self._oidc.issuer, "client_id": kind, "title": "The IdP"}
        provider |= {"scopes": "openid profile offline_access"}
        providers = {"idp": provider}
        return JupyterProcess(self._home, *arguments, base_url=base_url, providers=providers)

    def _start(self, kind: str, *arguments: str, base_url: str = "/") -> JupyterProcess:
        server = self._make(kind, *arguments, base_url=base_url)
        return self._stack.enter_context(server)

    def _certificate(self) -> Certificate:
        self._home.mkdir(exist_ok=True)
        return certificates.make(self._home)

    def _behind(self, server: JupyterProcess, **how: Any) -> Place:
        certificate = self._certificate()
        proxy = self._stack.enter_context(TlsProxy(certificate, server.port, **how))
        return Place(server, proxy.origin, verify=str(certificate.ca_bundle))

    # The kinds

    def at_the_root(self) -> Place:
        server = self._start("at_the_root")
        return Place(server, server.origin)

    def under_a_base_url(self) -> Place:
        """Such as a Hub's, for a user name with what an address quotes, and what it does not."""
        server = self._start("under_a_base_url", base_url="/user/a@b%20c/")
        return Place(server, server.origin)

    def known_as_localhost(self) -> Place:
        server = self._start("known_as_localhost")
        return Place(server, f"http://localhost:{server.port}")

    def registered_as_localhost(self) -> Place:
        """The notebook is open at 127.0.0.1, the provider knows the other name alone."""
        server = self._make("registered_as_localhost")
        origin = f"http://localhost:{server.port}"
        fixed = f"{origin}/jupyter-auth/callback/idp"
        server.config["providers"]["idp"]["redirect_uri"] = fixed
        return Place(self._stack.enter_context(server), origin, page_origin=server.origin)

    def with_a_self_signed_certificate(self) -> Place:
        certificate = self._certificate()
        arguments = [
            f"--ServerApp.certfile={certificate.ca_bundle}",
            f"--ServerApp.keyfile={certificate.key}",
        ]
        server = self._start("with_a_self_signed_certificate", *arguments)
        return Place(server, f"https://127.0.0.1:{server.port}", verify=str(certificate.ca_bundle))

    def behind_a_proxy(self) -> Place:
        return self._behind(self._start("behind_a_proxy"))

    def behind_a_trusted_proxy(self) -> Place:
        trust = "--ServerApp.trust_xheaders=True"
        return self._behind(self._start("behind_a_trusted_proxy", trust, base_url="/base/"))

    def behind_a_proxy_that_hides_the_host(self) -> Place:
        """The browser says what is the server's own page."""
        server = self._start("behind_a_proxy_that_hides_the_host")
        return self._behind(server, keep_host=False)

    def behind_such_a_proxy_with_a_public_url(self) -> Place:
        server = self._make("behind_such_a_proxy_with_a_public_url")
        place = self._behind(server, keep_host=False)
        server.config["public_url"] = place.origin
        self._stack.enter_context(server)
        return place

    def on_binder(self) -> Place:
        """A Hub has started it, and it signs its users in by a token of its own."""
        return self._with_hub_variables("on_binder", "/user/x/")

    def in_the_terminal_of_a_hub(self) -> Place:
        """Started by hand beside the server that has the Hub's variables."""
        return self._with_hub_variables("in_the_terminal_of_a_hub", "/")

    def _with_hub_variables(self, kind: str, base_url: str) -> Place:
        server = self._make(kind, base_url=base_url)
        server.variables = {
            "JUPYTERHUB_USER": "x",
            "JUPYTERHUB_SERVICE_PREFIX": "/user/x/",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_API_TOKEN": "of-the-hub",
            "JUPYTERHUB_PUBLIC_URL": f"{server.origin}/user/x/",
            "JUPYTER_AUTH_URL": "http://127.0.0.1:9",
        }
        server.config["confirm"] = False
        return Place(self._stack.enter_context(server), server.origin)

    def with_a_password_alone(self) -> Place:
        from jupyter_server.auth import passwd

        hashed = passwd(PASSWORD, algorithm="sha256")
        arguments = [
            "--IdentityProvider.token=",
            f"--PasswordIdentityProvider.hashed_password={hashed}",
        ]
        server = self._start("with_a_password_alone", *arguments)
        return Place(server, server.origin, token=None, password=PASSWORD)

    def open_to_all(self) -> Place:
        server = self._start("open_to_all", "--ServerApp.token=", "--IdentityProvider.token=")
        return Place(server, server.origin, token=None)


KINDS = [name for name in vars(Builder) if not name.startswith("_") and name != "build"]
