"""Which published key verifies an ID token: any that fits, whatever its id (RFC 7517 4)."""

from __future__ import annotations

import json

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from core.id_tokens import base64url

OTHER = RSAKey.generate_key(2048, {"kid": "other", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})


@pytest.fixture
def public(case) -> dict:
    return case.key.as_dict(private=False)


def without(key: dict, *names: str) -> dict:
    return {name: value for name, value in key.items() if name not in names}


@pytest.mark.parametrize(
    "kid", [{}, {"kid": None}, {"kid": ""}, {"kid": 7}, {"kid": "unknown"}, {"kid": "other"}]
)
def test_all_that_fit_are_tried(case, public, kid):
    """Without a kid, or with one that nobody has or that another key has too."""
    case.publish(EC, OTHER, public | {"kid": "other"})
    header = {"kid": case.key.kid} | kid
    if not kid:
        del header["kid"]
    assert case.verify(case.signed(json.dumps(case.claims()), **header))["sub"] == "u-1"


@pytest.mark.parametrize(
    "odd", [{"kid": None}, {"use": None}, {"alg": None}, {"key_ops": None}, {"kid": 5}, {"x5c": 1}]
)
def test_an_odd_member_of_a_key_spoils_it_not(case, public, odd):
    case.publish(public | odd)
    assert case.verify()["sub"] == "u-1"


def test_a_key_that_says_little_is_one(case, public):
    case.publish(without(public, "kid", "use", "alg", "key_ops"))
    assert case.verify()["sub"] == "u-1"


@pytest.mark.parametrize(
    "purpose",
    [{"use": "enc"}, {"alg": "RSA-OAEP"}, {"alg": "RS512"}, {"key_ops": ["encrypt"]}],
    ids=["enc", "RSA-OAEP", "RS512", "encrypt"],
)
def test_a_key_for_something_else_verifies_nothing(case, public, purpose):
    case.publish(public | purpose)
    case.refused("not signed by a key of the issuer")


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        ("RS512", RSAKey.generate_key(2048)),
        ("PS256", RSAKey.generate_key(2048)),
        ("ES256", EC),
        ("ES384", ECKey.generate_key("P-384")),
        ("ES512", ECKey.generate_key("P-521")),
        ("EdDSA", OKPKey.generate_key("Ed25519")),
        ("Ed25519", OKPKey.generate_key("Ed25519")),
    ],
)
def test_any_asymmetric_algorithm_counts_where_the_metadata_names_none(case, algorithm, key):
    case.publish(OTHER, ECKey.generate_key("P-256"), OKPKey.generate_key("X25519"), key)
    assert case.verify(case.encoded(key, alg=algorithm), algorithms=())["sub"] == "u-1"
    case.refused("does not list", case.encoded(key, alg=algorithm), algorithms=("RS256",))


def test_what_else_a_header_says_is_ignored(case):
    """RFC 7515 4: Entra and PingFederate write words of their own into it."""
    text = json.dumps(case.claims())
    odd = {"typ": None, "pi.atm": "1", "x5c": ["A" * 2000], "cty": 5}
    assert case.verify(case.signed(text, **odd))["sub"] == "u-1"
    case.refused("crit", case.signed(text, crit=["pi.atm"], **odd))


@pytest.mark.parametrize("header", [{}, {"alg": None}, {"alg": 5}, {"alg": ["RS256"]}])
def test_a_header_without_an_algorithm_is_refused(case, header):
    head = base64url(json.dumps(header).encode())
    case.refused("cannot be read", f"{head}.{base64url(b'{}')}.AA")
