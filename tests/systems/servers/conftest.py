"""Third parties' servers, and a person at this machine who signs in there in a browser of HTTP."""

from __future__ import annotations

import threading
import webbrowser
from typing import TYPE_CHECKING

import pytest
import requests

from browser_file import leads_to, leaves
from jupyter_auth import Provider
from kernel.sign_in import CALLBACK
from patience import PATIENCE
from processes import free_port
from providers.servers.better_auth import BetterAuth
from providers.servers.django_allauth import DjangoAllauth
from providers.servers.glewlwyd import Glewlwyd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from providers.servers.program import AuthorizationServer

TESTS = 16  # of each server: a listener stays for a while, so the next test has another one


class Browser:
    """Goes wherever a sign-in's link leads, as the server's person.

    ``links`` are all that it was opened at, ``pages`` those at which it has ended.
    """

    def __init__(self, server: AuthorizationServer) -> None:
        self.server = server
        self.consent = True
        self.links: list[str] = []
        self.pages: list[str] = []

    def open(self, link: str) -> bool:
        self.links.append(link)
        threading.Thread(target=self._visit, args=(leads_to(link),), daemon=True).start()
        return True

    def _visit(self, link: str) -> None:
        with requests.Session() as here:
            here.trust_env = False
            if not link.startswith(self.server.origin):  # a device code's is there already
                link = leaves(here, link)
            back = self.server.login(link, consent=self.consent)
            self.pages.append(here.get(back, timeout=PATIENCE).text)


@pytest.fixture(scope="module", params=[BetterAuth, DjangoAllauth, Glewlwyd])
def server(request) -> Iterator[AuthorizationServer]:
    callbacks = [f"http://127.0.0.1:{free_port()}/callback/acme" for _ in range(TESTS)]
    with request.param([CALLBACK, *callbacks]) as started:
        yield started


@pytest.fixture
def browser(server, home, monkeypatch) -> Browser:  # noqa: ARG001
    made = Browser(server)
    monkeypatch.setenv("BROWSER", "the person's")
    monkeypatch.setattr(webbrowser, "open", made.open)
    return made


@pytest.fixture
def acme(server) -> Provider:
    """All that its users write down: where it is, and their registration."""
    return Provider(
        name="acme",
        issuer=server.issuer,
        client_id=server.client_id,
        client_secret=server.client_secret,
        redirect_uri=server.callbacks.pop(),
    )


@pytest.fixture
def restart(monkeypatch) -> Callable[[], None]:
    """``restart()``: what was in memory is gone, as in another script."""
    return lambda: monkeypatch.setattr("jupyter_auth.kernel.broker.connect._made", {})
