"""Promise 3: ``username=`` is compared with what the issuer vouches for, and nothing else."""

from __future__ import annotations

import pytest

from core.sign_in import arrive, ended, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from memory_store import MemoryStore


@pytest.fixture
def made(rogue):
    """An engine whose provider has these fields, besides what every one has."""

    def engine(**fields) -> Engine:
        return Engine(Providers({"idp": table(rogue, **fields)}), MemoryStore(), clock=rogue.clock)

    return engine


def test_a_name_that_mallory_gave_herself_is_not_rosa_s(made, rogue):
    engine = made()
    rogue.username, rogue.sub = "rosa", "u-6"
    login = ended(
        arrive(engine, engine.begin(LoginRequest("idp", username="rosa")), rogue).finish(engine),
        "user_mismatch",
    )
    assert "can choose the user name" in login.error["message"]
    assert "username='u-6'" in login.error["hint"]
    assert "username_claim" in login.error["hint"]
    assert engine.accounts() == []
    assert len(rogue.revoked) == 2


@pytest.mark.parametrize(
    ("fields", "claims", "name"),
    [
        ({}, {}, "u-2001"),
        ({"username_claim": "upn"}, {"upn": "rosa@uni"}, "rosa@uni"),
        ({}, {"email": "rosa@uni.example", "email_verified": True}, "rosa@uni.example"),
    ],
)
def test_she_is_known_by_what_the_issuer_vouches_for(made, rogue, fields, claims, name):
    engine = made(**fields)
    rogue.id_token.claims |= claims
    sign_in(engine, rogue, username=name)
    [account] = engine.accounts()
    assert account.belongs_to(name)
    assert not account.belongs_to("rosa")


@pytest.mark.parametrize("said", [{}, {"email_verified": False}, {"email_verified": "true"}])
def test_an_address_that_nobody_verified_is_nobody_s(made, rogue, said):
    engine = made()
    rogue.id_token.claims |= {"email": "rosa@uni.example"} | said
    callback = arrive(engine, engine.begin(LoginRequest("idp", username="rosa@uni.example")), rogue)
    ended(callback.finish(engine), "user_mismatch")
    assert engine.accounts() == []
