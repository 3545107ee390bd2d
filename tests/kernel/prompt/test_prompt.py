"""The prompt of whoever waits: what it shows, what it leaves behind, and when nobody is asked."""

from __future__ import annotations

import dataclasses
import os
import pty
import re
import subprocess
import sys
from html.parser import HTMLParser

import nbformat
import pytest
from nbclient import NotebookClient

from jupyter_auth.core.models import AccountInfo, Login
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.kernel.prompt.front_end import is_interactive
from jupyter_auth.kernel.prompt.person import sentence_data
from jupyter_auth.kernel.prompt.prompt import outcome, prompt_data
from kernel.kernel_process import Kernel

HOSTILE = """<img src=x onerror="alert(1)">'"&</a><script>alert(2)</script>"""
INFO = ProviderInfo(name="idp", title="The IdP", host="idp.example")
PENDING = Login(
    id="handle", provider="idp", host="idp.example", path="/base/jupyter-auth/login/handle"
)
ALICE = AccountInfo(provider="idp", username="alice")

SHOW = """
from jupyter_auth.kernel.prompt.front_end import is_interactive
from jupyter_auth.kernel.prompt.prompt import show_prompt
from jupyter_auth.core.models import AccountInfo, Login
from jupyter_auth.core.provider.info import ProviderInfo
import dataclasses
info = ProviderInfo(name="idp", title="The IdP", host="idp.example")
login = Login(id="handle", provider="idp", path="/base/jupyter-auth/login/handle")
alice = AccountInfo(provider="idp", username="alice")
prompt = show_prompt(login, info)
"""


class Tags(HTMLParser):
    """All elements with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def tags(html):
    return Tags(html).found


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with Kernel(tmp_path_factory.mktemp("kernel")) as started:
        yield started


def ended(status, **changes):
    return Login(id="handle", provider="idp", status=status, **changes)


def test_the_link_is_a_real_one():
    links = [
        attributes
        for tag, attributes in tags(prompt_data(PENDING, INFO)["text/html"])
        if tag == "a"
    ]
    assert [link["href"] for link in links] == [PENDING.path, f"{PENDING.path}#stuck"]
    assert all(link["target"] == "_blank" and link["rel"] == "noopener" for link in links)
    assert "idp.example" in prompt_data(PENDING, INFO)["text/html"]
    assert PENDING.path in prompt_data(PENDING, INFO)["text/plain"]


def test_the_absolute_address_is_used_where_there_is_no_path():
    url = "https://hub.example/services/jupyter-auth/login/handle"
    bundle = prompt_data(Login(id="handle", provider="idp", url=url), INFO)
    assert ("a", url) in [
        (tag, attributes.get("href")) for tag, attributes in tags(bundle["text/html"])
    ]
    assert bundle["text/plain"].endswith(url)
    assert f">{url}</a>." in bundle["text/html"]  # to be read, where nothing can be clicked


def test_text_from_outside_stays_text():
    hostile = ProviderInfo(name="idp", title=HOSTILE, host=HOSTILE)
    account = AccountInfo(provider="idp", username=HOSTILE, warning=HOSTILE)
    denied = ended("denied", error={"code": "login_denied", "message": HOSTILE, "hint": HOSTILE})
    link = Login(id="x", provider="idp", host=HOSTILE, path='/"onmouseover="alert(3)')
    for html in (
        prompt_data(link, hostile, note=HOSTILE)["text/html"],
        sentence_data(outcome(ended("complete"), hostile, account))["text/html"],
        sentence_data(outcome(denied, hostile))["text/html"],
        sentence_data(outcome(ended("failed"), hostile))["text/html"],
    ):
        assert {tag for tag, _ in tags(html)} <= {"div", "a", "span"}
        assert not [each for _, attributes in tags(html) for each in attributes if each[:2] == "on"]


@pytest.mark.parametrize(
    ("login", "account", "expected"),
    [
        (ended("complete"), ALICE, "Signed in to The IdP as alice."),
        (ended("complete"), None, "Signed in to The IdP."),
        (ended("denied"), None, "The sign-in to The IdP was declined. Run this again."),
        (ended("expired"), None, "The sign-in to The IdP timed out. Run this again."),
        (ended("cancelled"), None, "The sign-in to The IdP was cancelled."),
        (ended("failed"), None, "The sign-in to The IdP failed."),
        (
            ended("failed", error={"message": "Bob signed in.", "hint": "Ask alice."}),
            None,
            "Bob signed in. Ask alice.",
        ),
    ],
)
def test_each_outcome_is_said_and_has_no_link(login, account, expected):
    bundle = sentence_data(outcome(login, INFO, account))
    assert bundle["text/plain"].startswith(expected)
    assert "<a" not in bundle["text/html"]
    assert "handle" not in str(bundle)


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (
            "prompt.finish(dataclasses.replace(login, status='complete'), alice)",
            "Signed in to The IdP as alice.",
        ),
        ("prompt.finish(dataclasses.replace(login, status='denied'))", "was declined"),
        ("prompt.interrupted()", "Interrupted before you signed in to The IdP. Run this again"),
        (
            "prompt.interrupted()\nprompt.finish(dataclasses.replace(login, status='cancelled'))",
            "Interrupted",
        ),
        ("prompt.timed_out()", "The page for it still works"),
    ],
)
def test_the_cell_s_output_is_rewritten_to_the_outcome(kernel, end, expected):
    shown = kernel.ok(SHOW)
    assert PENDING.path in shown.text("text/html")
    kernel.ok(end)  # from another cell: the display's id finds the output
    assert expected in shown.text()
    assert expected in shown.text("text/html")
    assert "href" not in shown.text("text/html")
    assert "handle" not in str(shown.outputs)


def test_a_thread_may_end_the_prompt(kernel):
    shown = kernel.ok(SHOW)
    kernel.ok(
        "import threading\n"
        "thread = threading.Thread(target=prompt.interrupted); thread.start(); thread.join()"
    )
    assert "Interrupted" in shown.text()


def test_somebody_is_there_only_where_the_front_end_says_so(kernel):
    ask = "from jupyter_auth.kernel.prompt.front_end import is_interactive\nprint(is_interactive())"
    assert kernel.run(ask).text().strip() == "True"
    assert kernel.run(ask, allow_stdin=False).text().strip() == "False"
    assert kernel.run(ask).text().strip() == "True"


def test_nobody_is_there_under_nbclient():
    notebook = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell(
                "from jupyter_auth.kernel.prompt.front_end import is_interactive\n"
                "print(is_interactive())"
            )
        ]
    )
    NotebookClient(notebook, kernel_name="python3").execute()
    assert notebook.cells[0].outputs[0]["text"].strip() == "False"


TERMINAL = """
from jupyter_auth.kernel.prompt.front_end import is_interactive
from jupyter_auth.kernel.prompt.prompt import show_prompt
from jupyter_auth.core.models import Login
from jupyter_auth.core.provider.info import ProviderInfo
print("interactive:", is_interactive())
info = ProviderInfo(name="idp", title="The IdP", host="idp.example")
login = Login(id="handle", provider="idp", path="/base/jupyter-auth/login/handle")
show_prompt(login, info).interrupted()
"""


def in_a_terminal(code, env, stdin=None):
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=theirs if stdin is None else stdin,
            stdout=theirs,
            stderr=theirs,
            env=env,
        ) as process:
            os.close(theirs)
            said = b""
            while piece := read(ours):
                said += piece
            assert process.wait() == 0, said
        return said.decode()
    finally:
        os.close(ours)


def read(terminal):
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says EIO when the other side is closed
        return b""


def test_a_terminal_has_its_lines():
    env = {**os.environ, "JUPYTER_SERVER_URL": "http://127.0.0.1:8888/base/"}
    said = in_a_terminal(TERMINAL, env)
    assert "interactive: True" in said
    assert "http://127.0.0.1:8888/base/jupyter-auth/login/handle" in said
    assert "Interrupted" in said


@pytest.mark.parametrize(
    ("stdin", "person"), [(subprocess.PIPE, True), (subprocess.DEVNULL, False)]
)
def test_who_pipes_something_in_reads_what_is_said(stdin, person):
    code = f"{TERMINAL}\nfrom jupyter_auth.kernel.prompt.front_end import takes_input\n"
    said = in_a_terminal(f"{code}print('types:', takes_input())", {**os.environ}, stdin)
    assert f"interactive: {person}" in said
    assert "types: False" in said


def test_on_a_hub_it_names_no_address_that_is_for_the_hubs_proxy_alone():
    hub = {"JUPYTERHUB_SERVICE_PREFIX": "/base/", "JUPYTERHUB_PUBLIC_URL": ""}
    env = {**os.environ, "JUPYTER_SERVER_URL": "http://127.0.0.1:8888/base/"} | hub
    said = in_a_terminal(TERMINAL, env)
    assert " /base/jupyter-auth/login/handle (an address on your" in said
    assert "127.0.0.1:8888" not in said
    said = in_a_terminal(TERMINAL, env | {"JUPYTERHUB_PUBLIC_URL": "https://hub.example/base/"})
    assert "https://hub.example/base/jupyter-auth/login/handle" in said


def test_a_job_has_nobody_and_its_stdout_stays_clean():
    ran = subprocess.run(
        [sys.executable, "-c", TERMINAL],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        env={name: value for name, value in os.environ.items() if name != "JUPYTER_SERVER_URL"},
    )
    assert ran.stdout == "interactive: False\n"
    assert re.search(r"/base/jupyter-auth/login/handle \(an address on your", ran.stderr)


def test_a_process_without_streams_has_nobody(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)  # pythonw, some daemons
    assert not is_interactive()


OUTSIDE = dataclasses.replace(PENDING, url=f"http://lab.example:8888{PENDING.path}")


def test_a_page_that_is_not_the_servers_has_an_absolute_link():
    """In VS Code on a server, PyCharm, Colab: there the path leads nowhere."""
    links = [
        found["href"]
        for name, found in tags(prompt_data(OUTSIDE, INFO)["text/html"])
        if "href" in found
    ]
    assert links[0] == OUTSIDE.path
    assert links[-1] == OUTSIDE.url
    html, text = both(OUTSIDE)
    assert f"If the button does nothing, open {OUTSIDE.url}." in html
    assert text.endswith(f": {OUTSIDE.url}")


def test_what_a_proxy_or_a_container_may_hide_is_said_with_the_way_out():
    for said in both(dataclasses.replace(OUTSIDE, inner=True)):
        assert OUTSIDE.url in said
        assert (
            f"(if your browser has Jupyter at another address, put that before {OUTSIDE.path})"
            in said
        )


def test_the_styles_follow_the_theme():
    html = prompt_data(PENDING, INFO)["text/html"]
    assert "var(--jp-accept-color-normal,#1976d2)" in html


def both(login, info=INFO):
    """The prompt as a notebook and as a terminal has it."""
    bundle = prompt_data(login, info)
    return re.sub(r"<[^>]*>", "", bundle["text/html"]), bundle["text/plain"]


def test_on_a_server_that_several_share_it_is_said_whom_the_account_serves():
    shared = dataclasses.replace(PENDING, shared=True)
    for text in both(shared):
        assert "Everyone who uses this Jupyter server will be able to use this account." in text
    assert "Everyone who uses" not in "".join(both(PENDING))
    complete = dataclasses.replace(shared, status="complete")
    assert outcome(complete, INFO, ALICE) == (
        "Signed in to The IdP as alice."
        " Everyone who uses this Jupyter server can use this account now."
    )


def test_what_an_api_demands_is_said_before_the_person_leaves():
    reason = "The API api.example asks for the scopes <b> & c."
    html, text = both(dataclasses.replace(PENDING, reason=reason))
    assert "The API api.example asks for the scopes &lt;b&gt; &amp; c. Opens idp.example" in html
    assert reason in text.splitlines()
    assert "asks for" not in "".join(both(PENDING))


def test_a_notebooks_own_provider_is_said_to_be_one():
    own = dataclasses.replace(INFO, name=f"idp~{'0f' * 16}", source="code")
    login = dataclasses.replace(PENDING, provider=own.name)
    html, text = both(login, own)
    assert "This provider is defined in a notebook." in html
    assert "(idp.example, defined in a notebook)" in text
    complete = dataclasses.replace(login, status="complete")
    assert outcome(complete, own, ALICE) == "Signed in to The IdP (defined in a notebook) as alice."
    # Without a server all that there is is this program's own.
    alone = dataclasses.replace(login, path=None, url="http://127.0.0.1:1/login/handle")
    assert "defined in" not in "".join(both(alone, own))


def test_where_no_page_shows_it_the_prompt_says_where_an_address_leads():
    found = dataclasses.replace(
        INFO, found_at="https://mcp.acme.example/mcp", scopes=("tools.read", "tools.write")
    )
    said = "https://mcp.acme.example/mcp says that idp.example signs people in to it, for "
    said += "tools.read tools.write."
    assert said not in "".join(both(PENDING, found))  # its page does
    alone = dataclasses.replace(PENDING, path=None, url="http://127.0.0.1:1/login/handle")
    html, text = both(alone, found)
    assert said in html
    assert said in text
