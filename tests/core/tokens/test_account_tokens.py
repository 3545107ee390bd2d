"""An account's token: valid as it is, or refreshed in good time."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.sign_in import account_of, digest_of, provider_at, sign_in
from jupyter_auth.core.errors import LoginRequired, ProviderError, RefreshRejected
from jupyter_auth.core.models import Account, AccountKey
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.lifetimes import FORCED_PAUSE, refresh_at
from jupyter_auth.core.tokens.need import Need
from patience import PATIENCE, until
from providers import troubles
from providers.troubles import MISSING

KEY = AccountKey("idp")


# -- when a token is refreshed -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lifetime", "leeway", "margin"),
    [
        (3600, None, 60),
        (86400, None, 60),
        (600, None, 60),
        (300, None, 30),
        (60, None, 6),
        (1, None, 0.1),
        (3600, 300, 300),
        (3600, 0, 0),
        (60, 300, 30),
        (3600, 1e9, 1800),
    ],
)
def test_the_margin_fits_the_life_time(lifetime, leeway, margin):
    issued = Account(
        provider="idp",
        session_key="default",
        fingerprint="f",
        access_token=Secret("t"),
        issued_at=1000.0,
        expires_at=1000.0 + lifetime,
        signed_in_at=1000.0,
    )
    assert refresh_at(issued, leeway) == pytest.approx(1000 + lifetime - margin)


@pytest.mark.parametrize("lifetime", [60, 300, 3600])
def test_it_is_refreshed_from_the_margin_on_and_not_before(engine, rogue, clock, lifetime):
    rogue.access_token_ttl = lifetime
    sign_in(engine, rogue)
    token = engine.token("idp")
    assert token.expires_at == clock() + lifetime
    clock.now = token.refresh_at - 0.001
    assert digest_of(engine) == token.digest
    clock.now = token.refresh_at
    assert digest_of(engine) != token.digest
    assert rogue.refreshes == 1


def test_a_short_life_is_not_one_refresh_per_request(engine, rogue, clock):
    rogue.access_token_ttl = 60
    sign_in(engine, rogue)
    for _ in range(200):
        engine.token("idp", need=Need(min_valid=3600))
        clock.advance(3)
    assert rogue.refreshes <= 20  # half of each life, at the most that can be asked for


@pytest.mark.usefixtures("account")
def test_time_to_spare_can_be_asked_for(engine, clock):
    first = digest_of(engine)
    clock.advance(3000)
    assert digest_of(engine, min_valid=599) == first
    assert digest_of(engine, min_valid=601) != first


@pytest.mark.parametrize(
    "expires_in",
    [MISSING, None, "", 0, -1, "-5", "soon", True, False, [], float("nan"), 10**400],
    ids=lambda value: f"{value!r:.7}",
)
def test_a_token_without_a_life_time_is_used_until_it_is_refused(engine, rogue, clock, expires_in):
    rogue.script("token", troubles.fields(expires_in=expires_in))
    sign_in(engine, rogue)
    token = engine.token("idp")
    assert token.expires_at is None
    assert token.refresh_at is None
    clock.advance(1e9)
    assert digest_of(engine, min_valid=3600) == token.digest
    assert digest_of(engine, rejected=token.digest) != token.digest
    assert rogue.refreshes == 1


@pytest.mark.parametrize(("expires_in", "seconds"), [("3599.5", 3599.5), ("3600", 3600)])
def test_a_life_time_may_be_written_oddly(engine, rogue, clock, expires_in, seconds):
    rogue.script("token", troubles.fields(expires_in=expires_in))
    sign_in(engine, rogue)
    assert engine.token("idp").expires_at == clock() + seconds


def test_a_token_is_put_into_the_providers_header(engines, rogue):
    engine = engines(unrelated=rogue)
    header = {"name": "X-Api-Key", "template": "key {token}"}
    engine.configure(provider_at(rogue, header=header))
    account = sign_in(engine, rogue)
    (name, value), *more = engine.token("idp").headers.items()
    assert (name, value.reveal()) == ("X-Api-Key", f"key {account.access_token.reveal()}")
    assert more == []


# -- what a refresh keeps ------------------------------------------------------------------------


def test_what_is_not_sent_anew_stays(engine, rogue, account):
    rogue.rotate = False
    rogue.script("refresh", troubles.fields(id_token=MISSING, scope=MISSING))
    digest_of(engine, rejected=account.access_token.digest)
    fresh = account_of(engine)
    assert fresh.access_token != account.access_token
    assert fresh == dataclasses.replace(account, access_token=fresh.access_token)


def test_what_is_sent_anew_counts(engine, rogue, account, clock):
    clock.advance(100)
    rogue.script("refresh", troubles.fields(scope="openid less"))
    digest_of(engine, rejected=account.access_token.digest)
    fresh = account_of(engine)
    assert fresh.refresh_token != account.refresh_token
    assert fresh.id_token != account.id_token
    assert fresh.scopes == ("openid", "less")
    assert fresh.issued_at == clock()
    assert (fresh.signed_in_at, fresh.username) == (account.signed_in_at, account.username)


def test_a_key_rotated_since_the_login_is_fetched(engine, rogue, account):
    rogue.id_token.rotate_key(keep=False)
    assert digest_of(engine, rejected=account.access_token.digest)


# -- the ID token of a refresh (SECURITY 5) ------------------------------------------------------


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rogue: setattr(rogue.id_token, "signature", "none"),
        lambda rogue: setattr(rogue.id_token, "signature", "HS256"),
        lambda rogue: setattr(rogue.id_token, "signature", "stranger"),
        lambda rogue: setattr(rogue.id_token, "signature", "broken"),
        lambda rogue: rogue.id_token.claims.update(at_hash="x"),
        lambda rogue: rogue.id_token.claims.update(iat=4e9, exp=5e9),
        lambda rogue: rogue.id_token.claims.update(iat=1, exp=2),
        lambda rogue: rogue.id_token.claims.update(iss="https://elsewhere.example", sub="mallory"),
        lambda rogue: rogue.script("refresh", troubles.fields(id_token="no JWT")),
        lambda rogue: rogue.script("refresh", troubles.fields(id_token=["a", "list"])),
    ],
)
def test_a_doubted_one_is_left_aside(engine, rogue, account, clock, spoil):
    """It is not needed, and the refresh token before it is used up."""
    spoil(rogue)
    clock.advance(3600)
    assert rogue.active(engine.token("idp").access_token.reveal())
    fresh = account_of(engine)
    assert fresh.id_token == account.id_token
    assert rogue.active(fresh.refresh_token.reveal())


@pytest.mark.usefixtures("account")
def test_another_persons_tokens_end_the_account(engine, rogue, clock):
    rogue.sub = "mallory"
    clock.advance(3600)
    with pytest.raises(RefreshRejected, match="returned tokens of another person"):
        engine.token("idp")
    with pytest.raises(LoginRequired):
        engine.token("idp")
    assert rogue.refreshes == 1
    assert not any(rogue.active(each.access_token.reveal()) for each in engine._store.accounts())


def test_keys_that_are_away_cost_nothing(engines, files, rogue, clock):
    old = sign_in(engines(files, idp=rogue), rogue)
    engine = engines(files, idp=rogue)  # a new process: it knows no keys yet
    clock.advance(3600)
    rogue.script("jwks", troubles.status(500))
    assert rogue.active(engine.token("idp").access_token.reveal())
    assert account_of(engine).id_token == old.id_token


def test_a_refresh_token_is_saved_before_keys_are_fetched(engines, files, rogue, clock):
    """A process that is killed while it waits for them loses nothing."""
    sign_in(engines(files, idp=rogue), rogue)
    engine = engines(files, idp=rogue)
    clock.advance(3600)
    gate = rogue.script("jwks", troubles.Gate())
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(engine.token, "idp")
        until(lambda: gate.waiting)
        assert rogue.active(files.load(KEY).refresh_token.reveal())
        rogue.behave()
        assert waiting.result(PATIENCE)


# -- odd shapes ----------------------------------------------------------------------------------

ODD = [
    {"scope": 7},
    {"scope": {}},
    {"expires_in": {}},
    {"expires_in": [60]},
    {"id_token": 7},
    {"token_type": []},
    {"refresh_token": 7},
    {"expires_at": "soon"},
    {"error": None},
]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: f"{odd}")
def test_a_field_in_an_odd_shape_costs_no_tokens(engine, rogue, account, clock, odd):
    rogue.rotate = "refresh_token" not in odd
    rogue.script("refresh", troubles.fields(**odd))
    clock.advance(3600)
    assert rogue.active(engine.token("idp").access_token.reveal())
    fresh = account_of(engine)
    assert rogue.active(fresh.refresh_token.reveal())
    assert set(fresh.scopes) == set(account.scopes)


@pytest.mark.parametrize(
    "odd",
    [{"token_type": "mac"}, {"access_token": 7}, {"access_token": MISSING}, {"access_token": "\n"}],
    ids=["type", "number", "none", "newline"],
)
@pytest.mark.usefixtures("account")
def test_without_a_usable_token_the_new_refresh_token_is_saved(engine, rogue, clock, odd):
    rogue.script("refresh", troubles.fields(**odd), times=1)
    clock.advance(3600)
    with pytest.raises(ProviderError):
        engine.token("idp")
    assert rogue.active(engine.token("idp").access_token.reveal())
    assert rogue.reuses == 0


# -- rejected ------------------------------------------------------------------------------------


def test_a_refused_token_is_refreshed_once_for_all_who_hold_it(engine, rogue, account):
    first = account.access_token.digest
    second = digest_of(engine, rejected=first)
    assert second != first
    for _ in range(3):
        assert digest_of(engine, rejected=first) == second
    assert rogue.refreshes == 1


def test_one_made_on_demand_is_not_made_again_at_once(engine, rogue, account, clock):
    """An API that refuses every token would otherwise cost one refresh per request."""
    second = digest_of(engine, rejected=account.access_token.digest)
    for _ in range(3):
        assert digest_of(engine, rejected=second) == second
    assert rogue.refreshes == 1
    clock.advance(FORCED_PAUSE)
    assert digest_of(engine, rejected=second) != second
    assert rogue.refreshes == 2


def test_a_short_lived_one_may_be_refused_because_it_is_over(engine, rogue, account, clock):
    """Providers count whole seconds: theirs ends up to a second before ours."""
    rogue.access_token_ttl = 4
    second = digest_of(engine, rejected=account.access_token.digest)
    clock.advance(0.3)
    assert digest_of(engine, rejected=second) == second
    clock.advance(2.9)
    assert digest_of(engine, rejected=second) != second


@pytest.mark.parametrize("rejected", ["", "x", "0" * 64, "\ud800"])
def test_a_digest_of_something_else_changes_nothing(engine, rogue, account, rejected):
    assert digest_of(engine, rejected=rejected) == account.access_token.digest
    assert rogue.refreshes == 0
