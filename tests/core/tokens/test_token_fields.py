"""Further fields of a token response and of the redirect stay with the account."""

from __future__ import annotations

from core.sign_in import account_of, arrive, sign_in
from core.tokens.store_files import ACCOUNT
from jupyter_auth.core import wire
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.record import replace
from jupyter_auth.core.tokens.store import decoded, encoded
from providers import troubles

SAID = {"instance_url": "https://eu9.example", "team": {"id": "T1", "name": "Ada's"}}


def test_they_are_kept_over_a_refresh_that_leaves_them_out(engine, rogue, clock):
    rogue.script("token", troubles.fields(**SAID))
    assert sign_in(engine, rogue).token_fields == SAID
    assert engine.token("idp").fields == SAID
    clock.advance(3600)
    rogue.script("refresh", troubles.fields(instance_url="https://us1.example"))
    moved = SAID | {"instance_url": "https://us1.example"}
    assert engine.token("idp").fields == moved
    assert rogue.refreshes == 1
    clock.advance(3600)
    assert engine.token("idp").fields == moved
    assert rogue.refreshes == 2


def test_those_of_the_redirect_are_too(engine, rogue, clock):
    """QuickBooks says there alone which company it is."""
    rogue.script("authorize", troubles.query(realmId="4620816365", session_state="x", region="eu"))
    rogue.script("token", troubles.fields(region="us"))
    login = engine.begin(LoginRequest("idp"))
    callback = arrive(engine, login, rogue)
    code = callback.params["code"]
    assert callback.finish(engine, params={"echo": code}).status == "complete"
    assert account_of(engine).token_fields == {"realmId": "4620816365", "region": "us"}
    clock.advance(3600)
    assert engine.token("idp").fields["realmId"] == "4620816365"


def test_no_secret_of_the_sign_in_is_one(engine, rogue):
    def echo(proceed):
        (asked,) = rogue.seen("token")
        return troubles.fields(you_said=asked.form, code_is=asked.form["code"])(proceed)

    rogue.script("token", echo)
    kept = sign_in(engine, rogue).token_fields
    form = rogue.seen("token")[0].form
    assert kept["you_said"]["client_id"] == rogue.client_id
    assert not any(form[name] in str(kept) for name in ("code", "code_verifier"))


def test_they_are_written_down_and_sent(engine, rogue):
    account = replace(ACCOUNT, token_fields=SAID | {"list": [1, {"a": None}]})
    assert decoded(encoded(account)) == account
    rogue.script("token", troubles.fields(**SAID))
    sign_in(engine, rogue)
    token = engine.token("idp")
    assert wire.token_from_wire(wire.token_to_wire(token)) == token
    old = wire.token_to_wire(token)
    del old["fields"]  # of a broker that does not know them
    assert wire.token_from_wire(old).fields == {}
