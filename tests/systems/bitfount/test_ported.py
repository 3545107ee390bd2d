"""Scripts of Bitfount's users, ported by `how-to/migrate.md`: run as they are, at the real host
names. Their package needs another Python than this one; what it leaves on a machine is its home
directory, so each runs where that is, and where it is not.
"""

from __future__ import annotations

import json
import re
import tomllib

import pytest

from documents import page
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from providers.internet import Internet
from providers.presets.bitfount import CLIENT_ID, KEY, KEY_ID, Bitfount
from systems.machine import Machine

PAGE = page("how-to/migrate.md")
STAGING = re.search(r"```text\n(\[bitfount-staging\]\n.*?)```", PAGE, re.DOTALL)[1]
ENVIRONMENTS = re.findall(
    r"^\| `(\w+)`.*? \| `(https://auth\S+)` \| `(\w+)` \| `(http\S+)` \| `(http\S+)` \|$",
    PAGE,
    re.MULTILINE,
)
AUDIENCE = "https://hub.bitfount.com/api"


def hosts(bitfount, environment=""):
    """Those of one of its environments."""
    names = (f"auth{environment}", f"hub{environment}", f"am.hub{environment}")
    return {f"{name}.bitfount.com": port for name, port in zip(names, bitfount.ports, strict=True)}


@pytest.fixture
def bitfount():
    with Bitfount() as server:
        server.issuer = "https://auth.bitfount.com"
        server.username, server.sub = "alice", "auth0|alice"
        server.devices.interval = 0.1
        yield server


@pytest.fixture
def internet(bitfount, tmp_path):
    with Internet(tmp_path, hosts(bitfount) | hosts(bitfount, ".staging")) as internet:
        yield internet
        assert internet.unknown == []


@pytest.fixture(params=["theirs too", "ours alone"])
def machine(request, internet, tmp_path):
    made = Machine(tmp_path, internet)
    made.env["SSH_CONNECTION"] = "a 1 b 2"  # the code is typed elsewhere
    kept = made.home / ".bitfount" / "bob" / ".token"
    if request.param == "theirs too":
        kept.parent.mkdir(parents=True)
        said = {"access_token": "old", "refresh_token": "old", "auth_domain": "auth.bitfount.com"}
        kept.write_text(json.dumps(said | {"client_id": CLIENT_ID, "audience": AUDIENCE}))
    before = kept.exists() and kept.read_bytes()
    yield made
    assert (kept.exists() and kept.read_bytes()) == before  # it is theirs


def user_code(terminal):
    return terminal.read(r"with the code (\S+): https://auth\S*\.bitfount\.com/device-page")[1]


def test_whoami_and_two_people_who_alternate(machine, bitfount):
    for name in ("alice", "bob"):
        bitfount.username, bitfount.sub = name, f"auth0|{name}"
        with machine.terminal("bitfount_whoami.py", name) as terminal:
            bitfount.devices.approve(user_code(terminal))
            terminal.read(f"{name} until ")
            assert terminal.ended() == 0
    for name in ("alice", "bob", "alice"):  # nobody is asked again
        ran = machine.run("bitfount_whoami.py", name)
        assert ran.returncode == 0, ran.stderr
        assert f"{name} until " in ran.stdout
    assert len(bitfount.seen("device")) == 2
    assert {call.headers["host"] for call in bitfount.calls} == {
        "hub.bitfount.com",
        "am.hub.bitfount.com",
    }


def test_keys(machine, bitfount):
    machine.env |= {"BITFOUNT_API_KEY_ID": KEY_ID, "BITFOUNT_API_KEY": KEY}
    ran = machine.run("bitfount_keys.py")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-3:] == [f"alice with {KEY_ID} {KEY}", "200", "200"]
    assert bitfount.requests == []
    hub, access_manager = (call.headers["x-api-key"] for call in bitfount.calls)
    assert (hub, access_manager) == (KEY.partition(":")[0], KEY)


@pytest.mark.parametrize(
    ("answer", "says"), [("deny", "denied, or too late"), ("approve", "that was somebody else")]
)
def test_errors(machine, bitfount, answer, says):
    bitfount.username = "mallory"
    with machine.terminal("bitfount_errors.py") as terminal:
        getattr(bitfount.devices, answer)(user_code(terminal))
        terminal.read(says)
        assert terminal.ended() == 0
    assert bitfount.calls == []
    assert json.loads(machine.jupyter_auth("status", "--json").stdout)["accounts"] == []


def test_scopes(machine, bitfount):
    """A narrower sign-in of the same person is not taken for it, and stays beside it."""
    with machine.terminal("bitfount_whoami.py", "alice") as terminal:
        bitfount.devices.approve(user_code(terminal))
        assert terminal.ended() == 0
    bitfount.scopes = "profile openid offline_access pods:read"
    with machine.terminal("bitfount_scopes.py") as terminal:
        bitfount.devices.approve(user_code(terminal))
        terminal.read("alice may profile openid offline_access pods:read")
        assert terminal.ended() == 0
    for script in ("bitfount_scopes.py", "bitfount_whoami.py"):
        assert machine.run(script, "alice").returncode == 0
    assert len(bitfount.seen("device")) == 2


def test_scopes_of_the_configuration(machine, bitfount):
    """Written down later: whoever signed in before is asked once more."""
    with machine.terminal("bitfount_whoami.py", "alice") as terminal:
        bitfount.devices.approve(user_code(terminal))
        assert terminal.ended() == 0
    bitfount.scopes = "profile openid offline_access pods:read"
    machine.configure(f'[bitfount]\nscopes = "{bitfount.scopes}"\n')
    ran = machine.run("bitfount_whoami.py", "alice")
    assert "lacks the scopes pods:read" in ran.stderr
    with machine.terminal("bitfount_whoami.py", "alice") as terminal:
        bitfount.devices.approve(user_code(terminal))
        assert terminal.ended() == 0
    assert machine.run("bitfount_whoami.py", "alice").returncode == 0


# Other environments, as the documentation writes them down


def test_staging(machine, bitfount):
    machine.configure(STAGING)
    bitfount.issuer = "https://auth.staging.bitfount.com"
    bitfount.client_id = tomllib.loads(STAGING)["bitfount-staging"]["client_id"]
    with machine.terminal("bitfount_staging.py") as terminal:
        bitfount.devices.approve(user_code(terminal))
        terminal.read("alice at https://hub.staging.bitfount.com/api/me")
        assert terminal.ended() == 0
    assert {each.headers["host"] for each in bitfount.requests} == {"auth.staging.bitfount.com"}


def test_staging_with_keys(machine, bitfount):
    machine.configure(STAGING)
    machine.env |= {"BITFOUNT_API_KEY_ID": KEY_ID, "BITFOUNT_API_KEY": KEY}
    ran = machine.run("bitfount_staging.py")
    assert ran.stdout.endswith("alice at https://hub.staging.bitfount.com/api/me\n"), ran.stderr
    assert {call.headers["x-api-key"] for call in bitfount.calls} == {KEY.partition(":")[0]}


def test_staging_differs_from_the_preset_in_addresses_and_client_alone():
    preset, staging = Providers().get("bitfount"), tomllib.loads(STAGING)["bitfount-staging"]
    made = vars(provider_from_mapping("bitfount-staging", staging))
    differs = {name for name, value in made.items() if value != getattr(preset, name)}
    assert differs == {
        *("name", "title", "client_id", "base_url", "api_origins", "endpoints", "api_key"),
        *("import_from", "vendor"),
    }


def test_each_environment_of_the_table_makes_a_provider():
    assert [name for name, *_ in ENVIRONMENTS] == ["staging", "sandbox", "sandbox", "dev", "dev"]
    theirs = ENVIRONMENTS[0][1:]
    for _, *values in ENVIRONMENTS:
        text = STAGING
        for before, after in zip(theirs, values, strict=True):
            assert before in STAGING
            text = text.replace(before, after)
        made = provider_from_mapping("other", tomllib.loads(text)["bitfount-staging"])
        assert made.endpoints.issuer == f"{values[0]}/"
        assert made.api_origins == tuple(values[2:])
        assert made.api_key.headers.keys() == set(values[2:])
