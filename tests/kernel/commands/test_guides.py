"""What a preset leaves open, and how to register there, in a terminal and in a notebook."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from environments.terminal import Terminal
from jupyter_auth.core.provider.registry import Providers
from kernel.commands.cli_process import run
from kernel.kernel_process import Kernel, environment
from providers.protected_api import ProtectedAPI

WORK = ["work", "--preset", "gitlab", "--set", "host=git.acme.example"]


@pytest.fixture
def env(tmp_path):
    return environment(tmp_path)


@pytest.fixture
def file(env):
    return Path(env["XDG_CONFIG_HOME"]) / "jupyter_auth" / "providers.toml"


def test_several_of_a_preset_are_added_by_name(env, file):
    added = run(env, "add", *WORK, "--client-id", "mine").stdout
    assert "Added GitLab (work) (git.acme.example)." in added
    run(env, "add", "gitlab", "--client-id", "theirs")
    work, gitlab = map(Providers(user_file=file).get, ("work", "gitlab"))
    assert (work.issuer, work.client_id) == ("https://git.acme.example", "mine")
    assert (gitlab.issuer, gitlab.client_id) == ("https://gitlab.com", "theirs")
    assert work.redirect_uri == "http://localhost:8888/jupyter-auth/callback/work"
    listed = run(env, "providers").stdout
    assert "work" in listed
    assert "git.acme.example" in listed


def test_one_may_be_added_before_it_is_known_where_it_is(env, file):
    told = run(env, "add", "team", "--preset", "okta").stdout
    assert "Added Okta (team)." in told
    assert "Sign in with `jupyter auth login team --set domain=DOMAIN`." in told
    with Terminal(
        env, "-m", "jupyter_auth.cli", "login", "team", "--set", "domain=acme.example"
    ) as it:
        it.read("Client ID of your registration at Okta")
    table = tomllib.loads(file.read_text())["team"]
    assert table == {"preset": "okta", "set": {"domain": "acme.example"}}


@pytest.mark.parametrize(
    ("words", "status", "sentence"),
    [
        (["login", "okta"], 1, "Sign in with `jupyter auth login okta --set domain=DOMAIN`"),
        (["login", "okta", "--set", "domain"], 2, "'domain' is not of the form NAME=VALUE"),
        (["login", "okta", "--set", "domain=https://a.example"], 1, "must be a host name"),
        (["login", "okta", "--set", "domian=a.example"], 1, "Did you mean domain?"),
        (["add", "work", "--preset", "gitlub"], 1, "Did you mean gitlab?"),
    ],
)
def test_what_is_wrong_is_one_sentence(env, file, words, status, sentence):
    said = run(env, *words, status=status).stderr
    assert sentence in said
    assert len(said.splitlines()) == 1
    assert not file.exists()


def test_a_terminal_asks_where_it_is_and_guides_to_a_client(env, file):
    with Terminal(env, "-m", "jupyter_auth.cli", "login", "okta") as terminal:
        terminal.read("Domain of your organization, such as acme.okta.com: ")
        terminal.type("acme.example")
        guide = terminal.read(r"[\s\S]*Client ID of your registration at Okta: ")[0]
        terminal.type("mine")
        terminal.read("acme.example")  # which does not answer
    assert "Register an OAuth client at Okta: https://acme.example/admin/apps/active" in guide
    uri = "http://localhost:8888/jupyter-auth/callback/okta"
    assert f"  2. Enter {uri} as sign-in redirect URI" in guide
    assert f"  Redirect URI: {uri}" in guide
    assert "  Kind of client: public, or confidential with a secret" in guide
    okta = Providers(user_file=file).get("okta")
    assert (okta.client_id, okta.redirect_uri) == ("mine", uri)


def test_spotify_knows_this_machine_by_its_number(env):
    with Terminal(env, "-m", "jupyter_auth.cli", "login", "spotify") as terminal:
        guide = terminal.read(r"[\s\S]*Client ID of your registration at Spotify: ")[0]
    assert "http://127.0.0.1:8888/jupyter-auth/callback/spotify" in guide


def test_a_notebook_without_a_server_names_form_and_line(tmp_path):
    with Kernel(tmp_path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        asked = kernel.run("%auth login okta")
        assert "Sign in with `%auth login okta --set domain=DOMAIN`." in asked.text()
        told = kernel.run("%auth login okta --set domain=acme.example")
        assert "acme.example" in told.text()
        github = kernel.run("%auth login github --wait --grant authorization_code")
    assert "https://github.com/settings/" in github.text()
    assert "Run `%auth add github --client-id ID`." in github.text()


def test_add_alone_is_a_form_that_ends_in_a_sign_in(env, file):
    with Terminal(env, "-m", "jupyter_auth.cli", "add") as terminal:
        terminal.read("Name or address")
        terminal.type("oktaa")
        terminal.read("Did you mean okta")
        terminal.read("Name or address")
        terminal.type("okta")
        terminal.read("Domain of your organization")
        terminal.type("acme.example")
        terminal.read("Redirect URI: http://localhost:8888/jupyter-auth/callback/okta")
        terminal.read("Client ID of your registration at Okta: ")
        terminal.type("mine")
        terminal.read("Sign in now")
        terminal.type("n")
        terminal.read("Sign in with `jupyter auth login okta` when you want to.")
        assert terminal.ended() == 0
    okta = Providers(user_file=file).get("okta")
    assert (okta.set["domain"], okta.client_id) == ("acme.example", "mine")


def test_ctrl_c_in_the_form_loses_nothing(env, file):
    with Terminal(env, "-m", "jupyter_auth.cli", "add") as terminal:
        terminal.read("Name or address")
        terminal.type("github")
        terminal.read("Client ID of your registration at GitHub: ")
        terminal.type("mine")
        terminal.read("Client secret of GitHub")
        terminal.interrupt()
        assert terminal.ended() == 130
    assert Providers(user_file=file).outline("github").client_id == "mine"


def test_a_notebook_that_adds_one_says_the_next_line(tmp_path, oidc):
    with ProtectedAPI(oidc.issuer) as api, Kernel(tmp_path) as kernel:
        kernel.ok("%load_ext jupyter_auth")
        told = kernel.ok(f"%auth add {api.address}").text()
        name = api.url.removeprefix("http://").replace(":", "-")
        assert f"Sign in with `%auth login {name}`." in told
        told = kernel.ok("%auth add okta --set domain=acme.example").text()
        assert "Added Okta (acme.example). Sign in with `%auth login okta`." in told
        asked = kernel.run("%auth add").text()
        assert "as in `%auth add https://mcp.acme.example/mcp`" in asked


def test_an_address_whose_server_registers_nobody_leads_to_a_client_too(env, file, rogue):
    with ProtectedAPI(rogue.issuer) as api:
        with Terminal(env, "-m", "jupyter_auth.cli", "login", api.address) as terminal:
            terminal.read(f"Register an OAuth client at {rogue.issuer}")
            terminal.read("Redirect URI: http://localhost:8888/jupyter-auth/callback/")
            terminal.read(f"Client ID of your registration at {api.url.partition('//')[2]}: ")
            terminal.type("mine")
            terminal.read("Continue only if you know both")
        (name,) = Providers(user_file=file).saved_names()
        assert Providers(user_file=file).get(name).client_id == "mine"
        assert f"/callback/{name}" in run(env, "doctor", name).stdout
        told = run(env, "login", api.address, status=1).stderr  # with nobody there to type
        assert "Nothing was sent. If you know both, try again and answer `y`" in told
