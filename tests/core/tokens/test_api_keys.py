"""Static API keys: where they come from, where they go, and that they rest nowhere."""

from __future__ import annotations

from traceback import walk_tb

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.sign_in import sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ConfigurationError, LoginFailed, LoginRequired
from jupyter_auth.core.models import AccountKey, LoginRequest
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens import api_key
from jupyter_auth.core.tokens.api_keys import ApiKeyOverlay
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.core.tokens.store import FileStore
from memory_store import MemoryStore

PARTS = {"id": "Key ID", "key": "Key"}
HUB, OTHER = "https://hub.example", "https://other.example"
FIELDS = {
    "grants": ["api_key", "authorization_code"],
    "api_origins": [HUB, OTHER],
    "api_key": {
        "parts": PARTS,
        "environment": {"id": "THEIR_ID", "key": "THEIR_KEY"},
        "headers": {
            HUB: {"x-id": "{id}", "x-key": "{key:head}"},
            "*": {"Authorization": "Key {id} {key}"},
        },
    },
}
KEY = {"id": Secret("i-1"), "key": Secret("half:whole")}


@pytest.fixture
def make(rogue, clock, tmp_path):
    """Engines at ``rogue``, which takes keys too, with this environment and one store on disk."""
    made = []

    def make(**environ: str) -> Engine:
        providers = Providers({"idp": table(rogue, **FIELDS)})
        made.append(Engine(providers, FileStore(tmp_path), clock=clock, environ=environ))
        return made[-1]

    rogue.clock = clock
    yield make
    for each in made:
        each.close()


def type_key(engine: Engine, key: str = "default", **changes):
    login = engine.begin(LoginRequest("idp", key))
    host = changes.pop("host", engine.typed.host(login.id))
    return engine.typed.api_key(login.id, KEY, host=host)


def on_disk(tmp_path) -> str:
    return "".join(p.read_text(errors="replace") for p in tmp_path.rglob("*") if p.is_file())


def test_its_parts_can_be_in_files_by_either_name(make, tmp_path):
    for name, part in KEY.items():
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_text(f"{part.reveal()}\n")
    given = {"JUPYTER_AUTH_IDP_ID_FILE": tmp_path / "id", "THEIR_KEY_FILE": tmp_path / "key"}
    engine = make(**{name: str(file) for name, file in given.items()})
    assert engine.token("idp").headers["Authorization"].reveal() == "Key i-1 half:whole"


def test_a_typed_key_is_used_at_once_and_rests_nowhere(make, tmp_path):
    engine = make()
    since = engine.changes().sequence
    assert engine.typed.host(engine.begin(LoginRequest("idp")).id) == "hub.example"
    assert type_key(engine).status == "complete"
    (info,) = engine.accounts()
    assert (info.kind, info.username, info.expires_at) == ("api_key", None, None)
    token = engine.token("idp")
    assert token.kind == "api_key"
    assert {n: v.reveal() for n, v in token.headers.items()} == {
        "Authorization": "Key i-1 half:whole"
    }
    assert {n: v.reveal() for n, v in token.headers_at[HUB].items()} == {
        "x-id": "i-1",
        "x-key": "half",
    }
    assert {"account", "login"} <= {each.kind for each in engine.changes(since).changes}
    assert "whole" not in on_disk(tmp_path) + repr(token) + repr(info)
    with pytest.raises(LoginRequired):
        make().token("idp")  # after a restart


def test_a_key_is_no_access_token(make):
    engine = make()
    type_key(engine)
    with pytest.raises(ConfigurationError, match="not an access token"):
        _ = engine.token("idp").bearer


@pytest.mark.parametrize(
    "environ",
    [
        {"THEIR_ID": "i-1", "THEIR_KEY": "half:whole"},
        {"JUPYTER_AUTH_IDP_ID": "i-1", "JUPYTER_AUTH_IDP_KEY": "half:whole"},
        {"THEIR_ID": "x", "JUPYTER_AUTH_IDP_ID": "i-1", "THEIR_KEY": "half:whole"},
    ],
)
def test_one_in_the_environment_needs_nobody(make, tmp_path, environ):
    engine = make(**environ)
    assert engine.token("idp").headers["Authorization"].reveal() == "Key i-1 half:whole"
    assert [info.kind for info in engine.accounts()] == ["api_key"]
    with pytest.raises(LoginRequired):
        engine.token("idp", "another")  # it is one account's
    assert "whole" not in on_disk(tmp_path)


@pytest.mark.parametrize("environ", [{}, {"THEIR_ID": "i"}, {"THEIR_KEY": "k"}, {"THEIR_ID": ""}])
def test_half_of_one_is_none(make, environ):
    engine = make(**environ)
    assert engine.accounts() == []
    with pytest.raises(LoginRequired):
        engine.token("idp")


def test_signed_out_it_stays_out_and_is_sent_to_nobody(make, rogue):
    engine = make(THEIR_ID="i", THEIR_KEY="k")
    gone = engine.logout("idp")
    assert (gone.removed, gone.revoked) == (True, False)
    assert "stays valid" in gone.note
    assert engine.accounts() == []
    with pytest.raises(LoginRequired):
        engine.token("idp")
    assert rogue.revoked == []


def test_one_whose_login_was_cancelled_is_not_sent_to_be_revoked(make, rogue):
    engine = make()
    login = engine.begin(LoginRequest("idp"))
    engine.cancel(login.id)
    account = api_key.as_account(engine.configured("idp"), AccountKey("idp"), KEY, now=0.0)
    party = engine._parties.of("idp")
    assert engine._completion.keep_account(login.id, party, account).status == "cancelled"
    assert engine.accounts() == []
    assert rogue.seen("revoke") == []


def test_one_that_the_api_refuses_is_not_tried_for_ever(make):
    engine = make(THEIR_ID="i", THEIR_KEY="k")
    with pytest.raises(LoginRequired):
        engine.token("idp", need=Need(rejected=engine.token("idp").digest))


def test_who_signs_in_otherwise_is_not_hidden_by_a_key(make, rogue):
    engine = make(THEIR_ID="i", THEIR_KEY="k")
    sign_in(engine, rogue, grant="authorization_code")
    assert engine.token("idp").kind == "bearer"
    assert [info.username for info in engine.accounts()] == ["rosa"]


def test_a_key_goes_only_where_its_form_said(make):
    with pytest.raises(LoginFailed, match="configuration has changed"):
        type_key(make(), host="evil.example")


def test_it_may_go_to_each_host_of_a_wildcard(rogue):
    key = {"parts": PARTS, "headers": {"*": {"x-id": "{id}", "x-key": "{key}"}}}
    fields = FIELDS | {"api_origins": ["https://*.acme.example"], "api_key": key}
    engine = Engine(Providers({"idp": table(rogue, **fields)}), MemoryStore())
    assert type_key(engine, host="*.acme.example").status == "complete"
    assert engine.token("idp").headers.keys() == {"x-id", "x-key"}


def test_another_configuration_never_gets_it(make, rogue, clock):
    engine = make(THEIR_ID="i", THEIR_KEY="k")
    assert engine.token("idp")
    other = provider_from_mapping("idp", table(rogue, **FIELDS, audience="other"))
    engine.configure(other)
    with pytest.raises(LoginRequired):
        engine.token("idp")
    assert clock


def test_without_an_environment_there_is_nothing_to_find(rogue, monkeypatch):
    """A service of many users must not lend its own keys to them."""
    monkeypatch.setenv("THEIR_ID", "i")
    monkeypatch.setenv("THEIR_KEY", "k")
    over = ApiKeyOverlay(MemoryStore(), Providers({"idp": table(rogue, **FIELDS)}))
    assert over.load(AccountKey("idp")) is None
    assert over.accounts() == []


@pytest.mark.parametrize(
    "change",
    [
        {"parts": ["id"]},
        {"parts": {"Key!": "x"}},
        {"headers": {"http://hub.example": {"x": "{id}"}}},
        {"headers": {HUB: {"x y": "{id}"}}},
        {"headers": {HUB: {"x": "{other}"}}},
        {"headers": {HUB: {"x": "{id}\r\nInjected: y"}}},
        {"headers": {HUB: ["x"]}},
        {"headers": []},
        {"environment": {"id": 5}},
    ],
)
def test_keys_that_cannot_work(rogue, change):
    fields = FIELDS | {"api_key": FIELDS["api_key"] | change}
    with pytest.raises(ConfigurationError):
        provider_from_mapping("idp", table(rogue, **fields))


@pytest.mark.parametrize("key", [" ", "half…", "a\r\nx-admin: 1", "a\x00", "schlüssel-77ad"])
def test_what_no_header_can_hold_is_no_key(make, key):
    engine = make()
    login = engine.begin(LoginRequest("idp"))
    parts = {"id": Secret("i-1"), "key": Secret(key)}
    with pytest.raises(LoginFailed, match="'Key' contains characters") as refused:
        engine.typed.api_key(login.id, parts, host="hub.example")
    for frame, _ in walk_tb(refused.value.__traceback__):
        if frame.f_globals["__name__"].startswith("jupyter_auth."):
            assert "'i-1'" not in repr(frame.f_locals)
    assert engine.accounts() == []
    assert engine.login(login.id).status == "pending"  # the right one can still be typed


def test_space_around_a_key_is_not_part_of_it(make):
    engine = make(THEIR_ID="i-1", THEIR_KEY=" half:whole\n")
    assert engine.token("idp").headers["Authorization"].reveal() == "Key i-1 half:whole"


VISIBLE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1)


@given(st.dictionaries(st.sampled_from(["id", "key"]), VISIBLE, min_size=2))
@example({"id": "{key}", "key": "{id}"})
def test_no_value_of_a_part_is_taken_for_a_template(parts):
    provider = provider_from_mapping("idp", {"issuer": "https://idp.example", **FIELDS})
    secrets = {name: Secret(value) for name, value in parts.items()}
    account = api_key.as_account(provider, AccountKey("idp"), secrets, now=0.0)
    said = api_key.as_token(account, provider).headers["Authorization"].reveal()
    assert said == f"Key {parts['id']} {parts['key']}"
