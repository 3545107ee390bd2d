"""``%auth explain`` in a real kernel."""

from __future__ import annotations

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from kernel.broker_socket import BrokerSocket
from kernel.echo_api import Api
from kernel.kernel_process import Kernel
from kernel.sign_in import consenting, sign_in
from memory_store import MemoryStore
from providers.troubles import Reply


@pytest.fixture
def api():
    with Api() as made:
        yield made


@pytest.fixture
def kernel(oidc, api, tmp_path):
    tables = {"idp": consenting(oidc, base_url=api.origin)}
    engine = Engine(Providers(tables), MemoryStore())
    sign_in(engine, oidc, engine.begin(LoginRequest("idp")), username="alice")
    with (
        BrokerSocket(engine, tmp_path) as kernel_api,
        Kernel(tmp_path, kernel_api.path) as started,
    ):
        started.ok("%load_ext jupyter_auth")
        yield started
    engine.close()


def test_the_last_response_is_explained_after_an_error(kernel, api):
    assert "No session of this kernel has sent a request" in kernel.run("%auth explain").text()
    api.replies = [Reply.json({"message": "<b>Members only"}, 403)]
    kernel.ok("from jupyter_auth import UserSession\nsession = UserSession('idp')")
    failed = kernel.run("session.get('x').raise_for_status()")
    assert failed.status == "error"
    for line in ("%auth explain", "%auth explain idp"):
        ran = kernel.ok(line)
        text = " ".join(ran.text().split())  # it is wrapped
        assert f"GET {api.origin} answered 403 Forbidden" in text
        assert "Members only" in text
        assert "by the account idp." in text
        assert "&lt;b&gt;Members only" in ran.text("text/html")
    assert "an account of other" in kernel.run("%auth explain other").text()
    kernel.ok("explained = session.explain(session.get('x'))")
    assert "No problems found." in kernel.ok("explained").text()
    assert "Only a response" in kernel.run("session.explain(5)").text()
