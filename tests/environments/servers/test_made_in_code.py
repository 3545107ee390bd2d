"""Two notebooks of one server: a provider that one of them makes is nothing to the other."""

from __future__ import annotations

import json
import os
from urllib.parse import parse_qs, urlsplit

import pytest

from environments.home import configure
from environments.servers.server_kernel import ServerKernel
from jupyter_auth.core.common.handles import MARK
from kernel.kernel_process import Kernel
from server.jupyter_process import JupyterProcess

START = """
import json, jupyter_auth
from jupyter_auth import LoginRequired, UserSession
from jupyter_auth.kernel.broker.connect import connect, default_provider
from jupyter_auth.core.models import LoginRequest
%load_ext jupyter_auth
"""
# Variants of a preset and of what the person has written down, under the same names.
VARIANTS = """
mine = jupyter_auth.provider("idp", client_id="variant", title="Mine")
preset = jupyter_auth.provider("bitfount", client_id="variant", base_url="https://mine.example/")
for each in (mine, preset):
    connect().register(each)
"""
LOOK = """
def looked(name):
    info, whole = connect().provider(name), connect().configuration(name)
    places = [info.title, info.base_url, info.api_origins, info.source]
    return [whole.client_id, whole.issuer, *places]
print(json.dumps([
    looked("idp"), looked("bitfount"), [each.name for each in connect().providers()],
    default_provider(connect()),
]))
"""
CALL = "print(UserSession({}, interactive=False).get('me').json()['username'])"


@pytest.fixture
def home(oidc, tmp_path):
    made = tmp_path / "home"
    configure(made / "user", oidc)
    return made


@pytest.fixture
def server(home, oidc):
    with JupyterProcess(home) as started:
        callback = f"{started.origin}{started.base_url}jupyter-auth/callback/idp"
        oidc.add_client("variant", callback)  # as its maker registered it
        yield started


@pytest.fixture
def one(server):
    with ServerKernel(server) as kernel:
        kernel.ok(START)
        yield kernel


@pytest.fixture
def two(server):
    with ServerKernel(server) as kernel:
        kernel.ok(START)
        yield kernel


def look(kernel):
    return json.loads(kernel.ok(LOOK).text())


def sign_in(server, oidc, kernel, person):
    """As that kernel's notebook would have it; what the provider was asked."""
    path = kernel.ok("print(connect().begin(LoginRequest('idp')).path)").text().strip()
    browser = server.browser()
    url = browser.open({"path": path})
    assert browser.arrive(oidc.login(url, person)) == path
    return {name: value for name, (value,) in parse_qs(urlsplit(url).query).items()}


def test_names_mean_in_the_other_what_they_meant(server, one, two):
    before = look(two)
    one.ok(VARIANTS)
    theirs = look(one)
    assert [each[0] for each in theirs[:2]] == ["variant", "variant"]
    assert theirs[1][3] == "https://mine.example/"
    assert look(two) == before
    one.restart()
    assert look_anew(one) == look(two) == before
    listed = server.kernel().call("GET", "providers")
    assert listed["default"] == "idp"
    assert MARK not in json.dumps(listed)


def look_anew(kernel):
    kernel.ok(START)
    return look(kernel)


def test_who_signs_in_at_one_is_not_signed_in_at_the_other(server, oidc, two):
    before = look(two)
    callback = f"{server.origin}{server.base_url}jupyter-auth/callback/idp"
    with ServerKernel(server) as one:
        one.ok(START + VARIANTS)
        asked = sign_in(server, oidc, one, "alice")
        assert (asked["client_id"], asked["redirect_uri"]) == ("variant", callback)
        assert "alice" in one.ok(CALL.format("mine")).text()
        assert "LoginRequired" in two.run(CALL.format("'idp'")).text()
        asked = sign_in(server, oidc, two, "bob")
        assert (asked["client_id"], asked["redirect_uri"]) == (oidc.client_id, callback)
        assert "bob" in two.ok(CALL.format("'idp'")).text()
        assert "alice" in one.ok(CALL.format("'idp'")).text()  # by its name: here it is that one
        said = one.ok("%auth status idp").text() + two.ok("%auth status idp").text()
        assert said.count("alice") == said.count("bob") == 1
        for kernel in (one, two):
            table = kernel.ok("%auth").text()
            assert "idp (defined in a notebook)" in table
            assert MARK not in table
    assert look(two) == before
    assert "bob" in two.ok(CALL.format("'idp'")).text()
    assert "Signed out" in two.ok("%auth logout idp").text()
    with ServerKernel(server) as three:  # the same notebook, opened again
        three.ok(START + VARIANTS)
        assert "alice" in three.ok(CALL.format("mine")).text()
        assert "Signed out" in three.ok("%auth logout idp").text()
        assert "LoginRequired" in three.run(CALL.format("mine")).text()


def test_pages_name_it_and_say_that_a_notebook_defines_it(server, oidc, one):
    one.ok(VARIANTS)
    path = one.ok("print(connect().begin(LoginRequest('idp')).path)").text().strip()
    browser = server.browser()
    page = browser.page(path)
    assert "Sign in to Mine" in page
    assert "Mine is defined in a notebook, not in this server" in page
    assert browser.arrive(oidc.login(browser.open({"path": path}))) == path
    assert "Mine is defined in a notebook." in browser.page(path)
    plain = server.browser().page(server.kernel().begin("idp", force=True)["path"])
    assert "defined in a notebook" not in plain
    everything = json.dumps(page + plain)
    assert MARK not in everything


def test_a_kernel_outlives_its_server_and_goes_on_with_the_next(home, oidc, server):
    env = {**server.environment(), "JUPYTER_AUTH_CONNECTION": str(server.connection_file)}
    with Kernel(env={**os.environ, **env}) as kernel:
        kernel.ok(START + VARIANTS)
        sign_in(server, oidc, kernel, "alice")
        kernel.ok("session = UserSession(mine, interactive=False)")
        server.stop()
        oidc.expire()
        assert "alice" in kernel.ok("print(session.get('me').json()['username'])").text()
        assert "alice" in kernel.ok(CALL.format("'idp'")).text()
        with JupyterProcess(home) as next_one, ServerKernel(next_one) as fresh:
            fresh.ok(START)
            assert "LoginRequired" in fresh.run(CALL.format("'idp'")).text()
            fresh.ok(VARIANTS)
            assert "alice" in fresh.ok(CALL.format("mine")).text()
            assert "alice" in kernel.ok(CALL.format("mine")).text()
