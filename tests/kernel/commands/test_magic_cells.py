"""``%%auth`` cells in a real kernel and in IPython in a terminal, with and without ``await``."""

from __future__ import annotations

import re

import pytest

from environments.terminal import NOWHERE_ELSE, Terminal
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from kernel.broker_socket import BrokerSocket
from kernel.commands.cli_process import Watched
from kernel.kernel_process import Kernel, environment
from kernel.sign_in import consenting, sign_in
from memory_store import MemoryStore
from patience import PATIENCE
from providers.sockets import SocketServer
from providers.troubles import Reply

COLOURS = re.compile(r"\x1b\[[0-9;]*m")


@pytest.fixture(scope="module")
def api():
    """An API that says who comes with a token."""

    def answer(request):
        return Reply.json({"token": request.headers.get("authorization", "")[:6]})

    server = SocketServer(answer)
    server.start()
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture(scope="module")
def engine(oidc, api):
    table = consenting(oidc, title="The IdP", api_origins=[api])
    made = Watched(Providers({"idp": table}, allow_user_providers=False), MemoryStore())
    sign_in(made, oidc, made.begin(LoginRequest("idp")), username="alice")
    yield made
    made.close()


@pytest.fixture(scope="module")
def kernel_api(engine, tmp_path_factory):
    with BrokerSocket(engine, tmp_path_factory.mktemp("kernel_api")) as opened:
        yield opened


@pytest.fixture(scope="module")
def kernel(kernel_api, api, tmp_path_factory):
    with Kernel(tmp_path_factory.mktemp("kernel"), kernel_api.path) as started:
        started.ok(f"%load_ext jupyter_auth\nimport asyncio\napi = {api!r}")
        yield started


def plain(ran):
    return COLOURS.sub("", ran.text())


ASYNC = {
    "an expression": "await asyncio.sleep(0, session.provider)",
    "statements": "await asyncio.sleep(0)\nwhere = session.provider\nwhere",
    "a loop": """
async def many():
    for name in ("other", session.provider):
        await asyncio.sleep(0)
        yield name
async for name in many():
    pass
name""",
    "a comprehension": """
async def one():
    yield session.provider
[name async for name in one()][0]""",
    "a magic": "here = %pwd\nawait asyncio.sleep(0)\nsession.provider if here else None",
    "a loop of expressions": "for _ in 'ab':\n    session\nawait asyncio.sleep(0, 'idp')",
}


@pytest.mark.parametrize("cell", ASYNC.values(), ids=ASYNC.keys())
def test_a_cell_may_await(kernel, cell):
    ran = kernel.ok(f"%%auth idp\n{cell}")
    assert ran.outputs[-1]["output_type"] == "execute_result"
    assert ran.outputs[-1]["data"]["text/plain"] == "'idp'"
    assert kernel.run("session").status == "error"  # it was there for that cell alone


def test_an_async_client_is_signed_in_too(kernel):
    cell = """%%auth
import httpx, jupyter_auth
async with httpx.AsyncClient(auth=jupyter_auth.httpx_auth("idp")) as client:
    answer = await client.get(api)
answer.json()["token"], session.get(api).json()["token"]"""
    assert "('Bearer', 'Bearer')" in kernel.ok(cell).text()


@pytest.mark.parametrize(
    "last", ["1;", "1 ; # said", "(1);", "'é';", "await asyncio.sleep(0, 1);", "x = 1", "pass"]
)
def test_a_semicolon_shows_nothing(kernel, last):
    for first in ("", "await asyncio.sleep(0)\n"):
        ran = kernel.ok(f"%%auth idp\n{first}{last}")
        assert not [each for each in ran.outputs if each["output_type"] == "execute_result"]


def test_a_semicolon_in_a_text_or_a_comment_is_none(kernel):
    for last in ("'a;'", "'é;'", "1 # one;"):
        for first in ("", "await asyncio.sleep(0)\n"):
            ran = kernel.ok(f"%%auth idp\n{first}{last}")
            assert [each for each in ran.outputs if each["output_type"] == "execute_result"]


@pytest.mark.parametrize("first", ["pass", "await asyncio.sleep(0)"])
def test_a_traceback_points_into_the_cell(kernel, first):
    ran = kernel.run(f"%%auth idp\n{first}\ndef f():\n    1 / 0\nf()")
    assert ran.status == "error"
    said = plain(ran)
    number = re.search(r"In\[(\d+)\], line 1", said)[1]
    assert f"In[{number}], line 5" in said  # as the person counts them
    assert f"In[{number}], line 4, in f()" in said
    assert "magic_cell.py" not in said
    assert kernel.run("session").status == "error"


def test_what_the_cell_calls_session_is_kept(kernel):
    kernel.ok("%%auth idp\nsession = await asyncio.sleep(0, 'mine')")
    assert "'mine'" in kernel.ok("session").text()
    kernel.ok("%%auth idp\nawait asyncio.sleep(0)\nassert session.provider == 'idp'")
    assert "'mine'" in kernel.ok("session").text()
    kernel.ok("del session")


def test_an_interrupt_ends_what_is_awaited(kernel):
    running = kernel.send("%%auth idp\nprint('begun')\nawait asyncio.sleep(1000)")
    kernel.result(running, until=lambda ran: "begun" in ran.text())
    kernel.interrupt()
    assert kernel.result(running).status == "error"
    assert kernel.run("session").status == "error"
    assert "'idp'" in kernel.ok("%%auth idp\nawait asyncio.sleep(0, session.provider)").text()


@pytest.mark.parametrize(
    "cell",
    [
        "%%auth idp --key new\nawait asyncio.sleep(0)",
        "await asyncio.sleep(0)\njupyter_auth.UserSession('idp', session_key='new')",
    ],
)
def test_an_interrupt_ends_the_wait_for_a_sign_in_in_such_a_cell(kernel, engine, cell):
    kernel.ok("import jupyter_auth")
    engine.asked.clear()
    running = kernel.send(cell)
    assert engine.asked.wait(PATIENCE)
    kernel.interrupt()
    ran = kernel.result(running)
    assert ran.status == "error"
    assert "KeyboardInterrupt" in plain(ran)
    assert not engine.logins()


def test_an_interrupt_ends_a_cell_that_awaits_nothing(kernel):
    running = kernel.send("%%auth idp\nimport time\nprint('begun')\ntime.sleep(1000)")
    kernel.result(running, until=lambda ran: "begun" in ran.text())
    kernel.interrupt()
    assert kernel.result(running).status == "error"


def test_where_await_is_no_syntax_it_says_so(kernel):
    kernel.ok("%autoawait off")
    ran = kernel.run("%%auth idp\nawait asyncio.sleep(0)")
    kernel.ok("%autoawait on")
    assert ran.status == "error"
    assert "SyntaxError: 'await' outside function" in plain(ran)
    assert "SyntaxError" in plain(kernel.run("%%auth idp\nawait )"))


def test_loading_it_again_is_no_harm(kernel):
    kernel.ok("%reload_ext jupyter_auth\n%load_ext jupyter_auth")
    assert "'idp'" in kernel.ok("%%auth idp\nawait asyncio.sleep(0, session.provider)").text()


def test_in_a_terminal(kernel_api, tmp_path):
    env = environment(tmp_path, kernel_api.path)
    for name in NOWHERE_ELSE:
        env.pop(name, None)
    options = ["--simple-prompt", "--no-banner", "--colors=NoColor", "--no-confirm-exit"]
    with Terminal(env, "-m", "IPython", *options) as ipython:
        ipython.read(r"In \[1\]: ")
        ipython.type("%load_ext jupyter_auth")
        ipython.read(r"In \[2\]: ")
        ipython.type("%%auth idp\nimport asyncio\nawait asyncio.sleep(0, session.provider)\n\n")
        ipython.read(r"Out\[2\]: 'idp'")
        ipython.read(r"In \[3\]: ")
        ipython.type("%auth status idp")
        ipython.read("alice")
        ipython.read(r"In \[4\]: ")
        assert ipython.text.count("PROVIDER") == 1
        ipython.type("exit")
        assert ipython.ended() == 0
