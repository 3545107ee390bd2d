"""Views of widgets as a browser knows them, of a real kernel before a real broker and provider."""

from __future__ import annotations

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from kernel.broker_socket import BrokerSocket
from kernel.kernel_process import Kernel
from kernel.sign_in import consenting
from memory_store import MemoryStore

VIEW = "application/vnd.jupyter.widget-view+json"
HOSTILE = "<img src=x onerror=alert(1)>"
TIMES = "from jupyter_auth.kernel.prompt import widget\nwidget.VIEW_TIME, widget.HEAR_TIME ="


@pytest.fixture(scope="module")
def one_engine(oidc):
    provider = consenting(oidc, title=f"The IdP {HOSTILE}")
    made = Engine(Providers({"idp": provider}), MemoryStore())
    yield made
    made.close()


@pytest.fixture(scope="module")
def kernel_api(one_engine, tmp_path_factory):
    with BrokerSocket(one_engine, tmp_path_factory.mktemp("kernel_api")) as opened:
        yield opened


@pytest.fixture(scope="module")
def kernel(kernel_api, tmp_path_factory):
    with Kernel(tmp_path_factory.mktemp("kernel"), kernel_api.path) as started:
        started.ok(f"{TIMES} 600.0, 1.0")
        yield started


@pytest.fixture(autouse=True)
def engine(one_engine):
    """Nobody is signed in and no login is under way, at the start of each test."""
    yield one_engine
    for account in one_engine.accounts():
        one_engine.logout(account.provider, account.session_key)
    for login in one_engine.logins():
        one_engine.cancel(login.id)


class View:
    """What a widget's view in the browser knows: its model's state, and what it was sent."""

    def __init__(self, kernel, shown):
        self._kernel, self.output = kernel, shown.outputs[-1]
        self.comm_id = self.output["data"][VIEW]["model_id"]

    @property
    def traits(self):
        """All that was ever synced: what a front end saves with the notebook."""
        found = {}
        for message in self._of("comm_open", "comm_msg"):
            found |= message["content"]["data"].get("state", {})
        return found

    @property
    def state(self):
        told = [
            message["content"]["data"]["content"]["state"]
            for message in self._of("comm_msg")
            if message["content"]["data"]["method"] == "custom"
        ]
        return told[-1] if told else {}

    def _of(self, *kinds):
        return [
            each
            for each in self._kernel.comms
            if each["msg_type"] in kinds and each["content"]["comm_id"] == self.comm_id
        ]

    def press(self, kind):
        self._kernel.tell(self.comm_id, {"kind": kind})

    def wait(self, until):
        self._kernel.wait(lambda: bool(self.state) and until(self.state))

    def pending(self):
        self.press("look")
        self.wait(lambda state: state["login"] and state["login"]["status"] == "pending")
        return self.state["login"]


def show(kernel, code="LoginWidget('idp')"):
    return View(kernel, kernel.ok(f"from jupyter_auth import LoginWidget\nshown = {code}\nshown"))
