"""An ID token is believed only if everything about it is right (SECURITY 5; OIDC Core 3.1.3.7)."""

from __future__ import annotations

import hashlib
import json

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from core.id_tokens import ACCESS, NONCE, base64url
from jupyter_auth.core.protocol import id_token
from providers.troubles import MISSING, Reply


def test_an_honest_one_is_believed(case):
    assert case.verify()["sub"] == "u-1"


# -- signature -----------------------------------------------------------------------------------


@pytest.mark.parametrize("signature", ["none", "HS256", "stranger", "broken"])
def test_a_false_signature_is_refused(case, signature):
    case.rogue.id_token.signature = signature
    case.refused("refused")


@pytest.mark.parametrize("signature", ["none", "HS256"])
def test_even_where_the_metadata_lists_its_algorithm(case, signature):
    case.rogue.id_token.signature = signature
    case.refused("refused", algorithms=(signature,))
    case.refused("refused", algorithms=("RS256", signature))


def test_a_secret_among_the_published_keys_signs_nothing(case):
    """HMAC proves nothing with a key that everybody reads."""
    secret = OctKey.generate_key(256, {"kid": "s"})
    case.rogue.script("jwks", lambda _: Reply.json({"keys": [secret.as_dict(private=True)]}))
    claims = {"iss": case.rogue.issuer, "sub": "u-1", "aud": "notebook", "nonce": NONCE}
    claims |= {"iat": int(case.clock()), "exp": int(case.clock()) + 60}
    token = jwt.encode({"alg": "HS256", "kid": "s"}, claims, secret)
    for algorithms in [("HS256",), ("RS256",), (), ("RS256", "HS256")]:
        case.refused("refused", token, algorithms=algorithms)


def test_an_algorithm_that_the_metadata_does_not_list_is_refused(case):
    refused = case.refused("does not list its signature algorithm RS256", algorithms=("ES256",))
    assert "id_token_signing_alg_values_supported" in refused.hint


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "e30.e30.", "\x00.\x00.\x00"])
def test_garbage_is_refused(case, token):
    case.refused("refused", token)


def test_an_encrypted_one_is_refused(case):
    case.refused("refused", "e30.e30.e30.e30.e30")
    head = base64url(b'{"alg": "RSA-OAEP", "enc": "A256GCM"}')
    assert "without encryption" in case.refused("it is encrypted", f"{head}.e30.e30.e30.e30").hint


@pytest.mark.parametrize("payload", ["[]", "null", "5", "not JSON", '{"iss":', "[" * 10_000])
def test_a_signed_text_that_is_no_object_is_refused(case, payload):
    case.refused("refused", case.signed(payload))


@pytest.mark.parametrize("claim", ["iss", "aud", "azp", "nonce", "at_hash"])
def test_text_that_cannot_be_encoded_is_refused(case, claim):
    honest = jwt.decode(case.rogue.id_token.issue("u-1", NONCE, ACCESS), case.key).claims
    case.refused("refused", case.signed(json.dumps(honest | {claim: "\ud800"})))


# -- keys ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("keep", [True, False])
def test_a_rotated_key_is_fetched(case, keep):
    case.verify()
    case.rogue.id_token.rotate_key(keep=keep)
    assert case.verify()["sub"] == "u-1"
    assert len(case.rogue.seen("jwks")) == 2


def test_a_key_replaced_under_its_old_id_is_fetched(case):
    case.verify()
    kid = case.key.kid
    case.rogue.id_token._keys = [RSAKey.generate_key(2048, {"kid": kid, "use": "sig"})]
    assert case.verify()["sub"] == "u-1"


def test_an_unknown_key_is_asked_for_once_and_refused(case):
    case.verify()
    stranger = RSAKey.generate_key(2048, {"kid": "stranger"})
    token = jwt.encode({"alg": "RS256", "kid": "stranger"}, {"sub": "u-1"}, stranger)
    before = len(case.rogue.seen("jwks"))
    case.refused("not signed by a key of the issuer", token)
    assert len(case.rogue.seen("jwks")) == before + 1


@pytest.mark.parametrize(
    "other",
    [
        {"kty": "EC", "crv": "brainpoolP256r1", "x": "AA", "y": "AA", "kid": "o"},
        {"kty": "OKP", "crv": "X25519", "x": "!", "kid": "o", "use": "enc"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA", "kid": "o"},
        {"kty": "RSA", "kid": "o"},
        {"kid": "o"},
        "a key",
        None,
    ],
    ids=str,
)
def test_a_key_that_nobody_understands_spoils_no_other(case, other):
    """RFC 7517 5: such a key is ignored."""
    keys = case.rogue.id_token.jwks()["keys"]
    case.rogue.script("jwks", lambda _: Reply.json({"keys": [other, *keys]}))
    assert case.verify()["sub"] == "u-1"


@pytest.mark.parametrize("keys", [[], [{}], ["x"]])
def test_without_keys_none_is_believed(case, keys):
    case.rogue.script("jwks", lambda _: Reply.json({"keys": keys}))
    case.refused("refused")


# -- claims --------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["https://evil.example.com", "{issuer}/", "", None, 5, MISSING])
def test_another_issuer_is_refused(case, value):
    value = value.format(issuer=case.rogue.issuer) if isinstance(value, str) else value
    case.rogue.id_token.claims["iss"] = value
    case.refused("another issuer")


def test_what_it_names_instead_is_said(case):
    case.rogue.id_token.claims["iss"] = "https://idp.example/v2"
    refused = case.refused("another issuer, 'https://idp.example/v2'")
    assert "`endpoints`" in refused.hint
    case.rogue.id_token.claims = {"aud": ["desktop"]}
    assert "'notebook'" in case.refused("another client, .*desktop").hint


TENANTS = "https://login.example/{tenantid}/v2.0"


def test_the_tenant_fills_the_issuer_of_many(case):
    """As Entra's `common` says it: https://login.microsoftonline.com/{tenantid}/v2.0."""
    case.rogue.id_token.claims = {"iss": "https://login.example/t-1/v2.0", "tid": "t-1"}
    assert case.verify(issuer=TENANTS)["iss"] == "https://login.example/t-1/v2.0"
    for wrong in [{"tid": "t-2"}, {"tid": None}, {"iss": TENANTS}, {"iss": "https://evil.example"}]:
        case.rogue.id_token.claims = {
            "iss": "https://login.example/t-1/v2.0",
            "tid": "t-1",
        } | wrong
        case.refused("another issuer", issuer=TENANTS)


@pytest.mark.parametrize(
    "value", ["other", "", None, MISSING, [], ["other"], ["note", "book"], {"notebook": 1}, 5]
)
def test_another_audience_is_refused(case, value):
    case.rogue.id_token.claims["aud"] = value
    case.refused("another client")


def test_one_of_several_audiences_is_enough_with_us_as_the_party(case):
    case.rogue.id_token.claims = {"aud": ["other", "notebook"], "azp": "notebook"}
    assert case.verify()["sub"] == "u-1"


def test_so_it_is_without_one(case):
    """OpenID Connect Core dropped that rule (errata 2), and Oracle IDCS never followed it."""
    case.rogue.id_token.claims = {"aud": ["notebook", "other"]}
    assert case.verify()["sub"] == "u-1"


@pytest.mark.parametrize("party", ["other", "", ["notebook"]])
def test_another_party_is_refused(case, party):
    case.rogue.id_token.claims = {"azp": party}
    assert "'notebook'" in case.refused("another party").hint


@pytest.mark.parametrize("nonce", ["another", "", None, 5, MISSING])
def test_another_nonce_is_refused(case, nonce):
    case.rogue.id_token.claims["nonce"] = nonce
    case.refused("nonce")


@pytest.mark.parametrize("nonce", [None, MISSING])
def test_a_missing_nonce_names_the_way_out(case, nonce):
    case.rogue.id_token.claims["nonce"] = nonce
    hint = case.refused("lacks the `nonce`").hint
    assert "operator" in hint
    assert "leave openid out of `scopes`" in hint


def test_a_refresh_has_no_nonce_to_compare(case):
    case.rogue.id_token.claims["nonce"] = MISSING
    assert case.verify(nonce=None)["sub"] == "u-1"


@pytest.mark.parametrize("sub", [4711, -3, 2**60])
def test_a_numbered_person_is_named_by_the_number(case, sub):
    case.rogue.id_token.claims["sub"] = sub
    assert case.verify()["sub"] == str(sub)


@pytest.mark.parametrize("sub", ["", None, True, 4711.0, MISSING, ["u-1"], "x" * 256])
def test_one_that_names_nobody_is_refused(case, sub):
    case.rogue.id_token.claims["sub"] = sub
    case.refused("has no `sub` claim")


@pytest.mark.parametrize(
    ("claim", "seconds"), [("exp", -id_token.CLOCK_SKEW), ("iat", id_token.CLOCK_SKEW + 1)]
)
def test_times_hold_but_for_a_little_skew(case, claim, seconds):
    case.rogue.id_token.claims[claim] = int(case.clock() + seconds)
    case.refused("clock")
    case.rogue.id_token.claims[claim] = int(case.clock() + seconds * 0.9)
    assert case.verify()["sub"] == "u-1"


@pytest.mark.parametrize("number", [str, float, lambda at: f"{at}.5"])
def test_times_may_be_written_as_texts(case, number):
    now = int(case.clock())
    times = {"exp": now + 60, "iat": now, "nbf": now, "auth_time": now}
    case.rogue.id_token.claims |= {name: number(at) for name, at in times.items()}
    assert case.verify()["sub"] == "u-1"
    case.rogue.id_token.claims["exp"] = number(now - 600)
    case.refused("expired 10 minutes ago")


@pytest.mark.parametrize("write", [int, str])
def test_one_that_is_not_valid_yet_is_refused(case, write):
    case.rogue.id_token.claims["nbf"] = write(int(case.clock()) + 600)
    case.refused("10 minutes from now")


@pytest.mark.parametrize("value", [None, "", "soon", []])
def test_an_odd_nbf_is_none(case, value):
    case.rogue.id_token.claims["nbf"] = value
    assert case.verify()["sub"] == "u-1"


def test_a_null_is_an_absent_claim(case):
    absent = ("azp", "at_hash", "nbf", "auth_time", "acr", "email", "preferred_username")
    case.rogue.id_token.claims = dict.fromkeys(absent)
    assert not set(absent) & case.verify().keys()


@pytest.mark.parametrize("claim", ["exp", "iat"])
@pytest.mark.parametrize(
    "value", ["soon", None, MISSING, True, [], float("nan"), float("inf"), -float("inf")]
)
def test_times_that_are_none_are_refused(case, claim, value):
    case.rogue.id_token.claims[claim] = value
    case.refused("it has no valid `iat` and `exp` claims")


@pytest.mark.parametrize("at_hash", ["", "x", 5, "A" * 22])
def test_another_access_token_is_refused(case, at_hash):
    case.rogue.id_token.claims["at_hash"] = at_hash
    case.refused("another access token")


def test_an_at_hash_need_not_be_there(case):
    case.rogue.id_token.claims["at_hash"] = MISSING
    assert case.verify()["sub"] == "u-1"


@pytest.mark.parametrize(
    ("algorithm", "curve", "digest"),
    [("ES256", "P-256", "sha256"), ("ES384", "P-384", "sha384"), ("ES512", "P-521", "sha512")],
)
def test_the_access_tokens_hash_is_that_of_the_signature(case, algorithm, curve, digest):
    key = ECKey.generate_key(curve, {"kid": "e"})
    case.rogue.script("jwks", lambda _: Reply.json({"keys": [key.as_dict(private=False)]}))
    half = hashlib.new(digest, ACCESS.encode()).digest()
    now = int(case.clock())
    claims = {"iss": case.rogue.issuer, "sub": "u-1", "aud": "notebook", "nonce": NONCE}
    claims |= {"iat": now, "exp": now + 60, "at_hash": base64url(half[: len(half) // 2])}
    header = {"alg": algorithm, "kid": "e"}
    token = jwt.encode(header, claims, key, [algorithm])
    assert case.verify(token, algorithms=(algorithm,))
    claims["at_hash"] = base64url(half[: len(half) // 2 - 1])
    token = jwt.encode(header, claims, key, [algorithm])
    case.refused("another access token", token, algorithms=(algorithm,))
