"""Completion of ``%auth`` lines: as JupyterLab asks a kernel for it, and in a shell of ours."""

from __future__ import annotations

import pytest
from IPython.core import completer
from IPython.core.completer import provisionalcompleter

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.commands.magic import load
from kernel.broker_socket import BrokerSocket
from kernel.kernel_process import Kernel
from kernel.sign_in import consenting, sign_in
from memory_store import MemoryStore
from patience import PATIENCE

VERBS = ["login", "logout", "status", "providers", "add", "remove", "doctor", "use", "explain"]
NAMES = ["acme", "my-idp"]
LAST = ["--set", "--resource", "--wait"]
LOGIN = ["--key", "--force", "--grant", "--scopes", *LAST]
GRANTS = ["device_code", "authorization_code"]

# What is on the line, and all that is offered, in that order. The cursor is at its end.
OFFERS = {
    "%auth ": VERBS,
    "%auth log": ["login", "logout"],
    "%auth login ": NAMES + LOGIN,
    "%auth login ac": ["acme"],
    "%auth login my-i": ["my-idp"],
    "%auth login -": LOGIN,
    "%auth login acme ": LOGIN,
    "%auth login acme --": LOGIN,
    "%auth login acme --ke": ["--key"],
    "%auth login acme --force --": ["--key", "--grant", "--scopes", *LAST],
    "%auth login --force ": [*NAMES, "--key", "--grant", "--scopes", *LAST],
    "%auth login acme --grant ": GRANTS,
    "%auth login acme --grant dev": ["device_code"],
    "%auth login my-idp --grant ": ["authorization_code", "device_code"],
    "%auth login --grant ": GRANTS,  # of the default provider
    "%auth login acme --key ": ["default", "work"],
    "%auth login --key ": ["default", "work"],
    "%auth logout acme --key w": ["work"],
    "%auth login acme --key work ": ["--force", "--grant", "--scopes", *LAST],
    "%auth login acme --scopes openid ": ["--key", "--force", "--grant", *LAST],
    "%auth logout ": [*NAMES, "--key", "--notebook"],
    "%auth status ": NAMES,
    "%auth use ": NAMES,
    "%auth use m": ["my-idp"],
    "%auth doctor ": NAMES,
    "%auth add work --preset gitl": ["gitlab"],
    "%auth add acme --client": ["--client-id", "--client-secret"],
    "%%auth ": [*NAMES, "--key"],
    "%%auth acme ": ["--key"],
    "%%auth acme --key ": ["default", "work"],
    "t = %auth st": ["status"],
    "for name in names:\n    %auth st": ["status"],
    "import os\n%auth login ac": ["acme"],
}


@pytest.fixture(scope="module")
def kernel_api(oidc, tmp_path_factory):
    tables = {"acme": consenting(oidc, grants=GRANTS), "my-idp": consenting(oidc)}
    engine = Engine(Providers(tables, allow_user_providers=False), MemoryStore())
    for key in ("default", "work"):
        login = engine.begin(LoginRequest("acme", key, grant="authorization_code"))
        sign_in(engine, oidc, login, username="alice")
    with BrokerSocket(engine, tmp_path_factory.mktemp("kernel_api"), "acme") as opened:
        yield opened
    engine.close()


@pytest.fixture(scope="module")
def kernel(kernel_api, tmp_path_factory):
    with Kernel(tmp_path_factory.mktemp("kernel"), kernel_api.path) as started:
        # Names of Python that start as the words do, which jedi would offer.
        started.ok("%load_ext jupyter_auth\nlogs, account, stat, device_number = 1, 2, 3, 4")
        yield started


@pytest.mark.parametrize("code", OFFERS)
def test_a_kernel_offers_the_words_alone_and_in_order(kernel, code):
    reply = kernel.client.complete(code, len(code), reply=True, timeout=PATIENCE)["content"]
    assert reply["matches"] == OFFERS[code]
    begun = code[reply["cursor_start"] : reply["cursor_end"]]
    assert all(each.startswith(begun) for each in OFFERS[code])
    assert code[: reply["cursor_start"]].endswith((" ", "\n"))


def test_where_python_is_written_python_is_offered(kernel):
    for code in ("acc", "auth = acc", "'%auth login '.spl"):
        reply = kernel.client.complete(code, len(code), reply=True, timeout=PATIENCE)["content"]
        assert {"account", "split", "'%auth login '.split"} & {*reply["matches"]}, code
    reply = kernel.client.complete("%auth nothing ", 14, reply=True, timeout=PATIENCE)["content"]
    assert reply["status"] == "ok"


# In a shell of this process


@pytest.fixture
def loaded(shell, monkeypatch, kernel_api):
    monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))
    load(shell)
    load(shell)  # again is no harm
    return shell


def completed(shell, code):
    """The lines that the offers make of it."""
    with provisionalcompleter():
        found = list(shell.Completer.completions(code, len(code)))
    return [code[: each.start] + each.text for each in found]


@pytest.mark.parametrize("jedi", [True, False], ids=["jedi", "no jedi"])
@pytest.mark.parametrize("code", OFFERS)
def test_with_jedi_and_without(loaded, code, jedi):
    loaded.Completer.use_jedi = jedi
    begun = code[: code.rindex(" ") + 1]
    assert completed(loaded, code) == [begun + each for each in OFFERS[code]]


@pytest.mark.parametrize("code", [code for code in OFFERS if code.startswith("%")])
def test_before_ipython_had_matchers_a_hook_offers_the_same(loaded, monkeypatch, code):
    monkeypatch.setattr(loaded.Completer, "custom_matchers", [])
    monkeypatch.setattr(loaded.Completer, "use_jedi", False)
    monkeypatch.delattr(completer, "context_matcher")
    load(loaded)
    assert not loaded.Completer.custom_matchers
    begun = code[: code.rindex(" ") + 1]
    assert {*completed(loaded, code)} == {begun + each for each in OFFERS[code]}


def test_with_automagic_it_is_no_other(loaded, monkeypatch):
    monkeypatch.setattr(loaded.Completer, "use_jedi", False)
    assert completed(loaded, "auth login m") == ["auth login my-idp"]


def test_without_a_broker_verbs_and_options_are_offered(shell, monkeypatch, tmp_path):
    monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(tmp_path))
    load(shell)
    assert completed(shell, "%auth ") == [f"%auth {each}" for each in VERBS]
    assert completed(shell, "%auth login ") == [f"%auth login {each}" for each in LOGIN]
    assert "%auth login --grant device_code" not in completed(shell, "%auth login --grant ")
