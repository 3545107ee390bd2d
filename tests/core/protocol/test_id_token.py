"""An ID token is believed only if everything about it is right (SECURITY 5; OIDC Core 3.1.3.7)."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from core.sign_in import party_at
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol import id_token
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.secret import Secret
from providers.troubles import MISSING, Reply

NONCE = "planted-nonce"
ACCESS = "planted-access-token"


class Case:
    """Verifies what ``rogue`` issues; ``expected`` may be changed."""

    def __init__(self, rogue, clock) -> None:
        rogue.clock = clock
        self.rogue, self.clock = rogue, clock
        self.discovery, self.party = Discovery(clock), party_at(rogue)
        self.expected = id_token.Expected(
            issuer=rogue.issuer,
            client_id=rogue.client_id,
            access_token=Secret(ACCESS),
            algorithms=("RS256",),
            nonce=NONCE,
        )

    @property
    def key(self) -> RSAKey:
        return self.rogue.id_token._keys[0]

    def keys(self, fresh):
        return self.discovery.keys(
            self.party.endpoints, self.party.provider.request_rules, fresh=fresh
        )

    def verify(self, token: str | None = None, **changes) -> dict:
        token = token or self.rogue.id_token.issue("u-1", NONCE, ACCESS)
        expected = replace(self.expected, **changes)
        return id_token.verify(Secret(token), expected, self.keys, self.clock())

    def refused(self, why: str, token: str | None = None, **changes) -> None:
        with pytest.raises(ProviderError, match=why) as caught:
            self.verify(token, **changes)
        assert "Nothing was stored" in caught.value.hint


@pytest.fixture
def case(rogue, clock) -> Case:
    return Case(rogue, clock)


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
    case.refused("refused", algorithms=("ES256",))


@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "e30.e30.", "\x00.\x00.\x00"])
def test_garbage_is_refused(case, token):
    case.refused("refused", token)


def test_an_encrypted_one_is_refused(case):
    case.refused("refused", "e30.e30.e30.e30.e30")


@pytest.mark.parametrize("payload", ["[]", "null", "5", "not JSON", '{"iss":', "[" * 10_000])
def test_a_signed_text_that_is_no_object_is_refused(case, payload):
    case.refused("refused", signed(case, payload))


@pytest.mark.parametrize("claim", ["iss", "aud", "azp", "nonce", "at_hash"])
def test_text_that_cannot_be_encoded_is_refused(case, claim):
    honest = jwt.decode(case.rogue.id_token.issue("u-1", NONCE, ACCESS), case.key).claims
    case.refused("refused", signed(case, json.dumps(honest | {claim: "\ud800"})))


def signed(case: Case, payload: str) -> str:
    """As the provider would sign it, had it no library."""
    header = json.dumps({"alg": "RS256", "kid": case.key.kid})
    text = f"{_base64url(header.encode())}.{_base64url(payload.encode())}"
    signature = case.key.get_op_key("sign").sign(text.encode(), PKCS1v15(), SHA256())
    return f"{text}.{_base64url(signature)}"


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


@pytest.mark.parametrize(
    "value", ["other", "", None, MISSING, [], ["other"], ["note", "book"], {"notebook": 1}, 5]
)
def test_another_audience_is_refused(case, value):
    case.rogue.id_token.claims["aud"] = value
    case.refused("another client")


def test_one_of_several_audiences_is_enough_with_us_as_the_party(case):
    case.rogue.id_token.claims = {"aud": ["other", "notebook"], "azp": "notebook"}
    assert case.verify()["sub"] == "u-1"


def test_several_audiences_without_a_party_are_refused(case):
    case.rogue.id_token.claims = {"aud": ["notebook", "other"]}
    case.refused("several audiences")


@pytest.mark.parametrize("party", ["other", "", None, ["notebook"]])
def test_another_party_is_refused(case, party):
    case.rogue.id_token.claims = {"azp": party}
    case.refused("another party")


@pytest.mark.parametrize("nonce", ["another", "", None, 5, MISSING])
def test_another_nonce_is_refused(case, nonce):
    case.rogue.id_token.claims["nonce"] = nonce
    case.refused("nonce")


def test_a_refresh_has_no_nonce_to_compare(case):
    case.rogue.id_token.claims["nonce"] = MISSING
    assert case.verify(nonce=None)["sub"] == "u-1"


@pytest.mark.parametrize("sub", ["", None, 5, MISSING, ["u-1"]])
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


@pytest.mark.parametrize("claim", ["exp", "iat"])
@pytest.mark.parametrize(
    "value", ["soon", None, MISSING, True, [], float("nan"), float("inf"), -float("inf")]
)
def test_times_that_are_none_are_refused(case, claim, value):
    case.rogue.id_token.claims[claim] = value
    case.refused("it has no valid `iat` and `exp` claims")


@pytest.mark.parametrize("at_hash", ["", "x", None, 5, "A" * 22])
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
    claims |= {"iat": now, "exp": now + 60, "at_hash": _base64url(half[: len(half) // 2])}
    header = {"alg": algorithm, "kid": "e"}
    token = jwt.encode(header, claims, key, [algorithm])
    assert case.verify(token, algorithms=(algorithm,))
    claims["at_hash"] = _base64url(half[: len(half) // 2 - 1])
    token = jwt.encode(header, claims, key, [algorithm])
    case.refused("another access token", token, algorithms=(algorithm,))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
