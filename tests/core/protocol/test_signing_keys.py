"""Which key verifies an ID token: any published one that fits, whatever its id (RFC 7517 4); or a
confidential client's secret (OpenID Connect Core 10.1), as at Authentik without a signing key.
"""

from __future__ import annotations

import dataclasses
import json

import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey

from core.id_tokens import base64url
from core.sign_in import exchanged, sign_in, table
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import ProviderError
from jupyter_auth.core.protocol import identity
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.provider.field_types import CredentialsFrom
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret
from memory_store import MemoryStore
from providers.troubles import Reply

OTHER = RSAKey.generate_key(2048, {"kid": "other", "use": "sig"})
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig"})
SECRET = "planted-client-secret-of-more-than-32-bytes"
OWN = Secret(SECRET)
HMAC = ["HS256", "HS384", "HS512"]


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
    case.refused("refused", case.signed(text, crit=["pi.atm"], **odd))


@pytest.mark.parametrize("header", [{}, {"alg": None}, {"alg": 5}, {"alg": ["RS256"]}])
def test_a_header_without_an_algorithm_is_refused(case, header):
    head = base64url(json.dumps(header).encode())
    case.refused("cannot be read", f"{head}.{base64url(b'{}')}.AA")


# -- a client's own secret -----------------------------------------------------------------------


def hmac_key(secret: str = SECRET) -> OctKey:
    return OctKey(secret.encode(), secret.encode())


@pytest.mark.parametrize("algorithm", HMAC)
def test_a_confidential_clients_secret_signs(case, algorithm):
    token = case.encoded(hmac_key(), alg=algorithm, kid="whatever")
    assert case.verify(token, algorithms=("RS256", algorithm), secret=OWN)["sub"] == "u-1"
    assert case.rogue.seen("jwks") == []


def test_a_short_secret_and_one_beyond_ascii_are_secrets(case):
    for secret in ("short", "pässword"):
        token = case.encoded(hmac_key(secret), alg="HS256")
        assert case.verify(token, algorithms=("HS256",), secret=Secret(secret))["sub"] == "u-1"


def test_another_secret_does_not(case):
    token = case.encoded(hmac_key("another"), alg="HS256")
    refused = case.refused("not signed with this client", token, algorithms=("HS256",), secret=OWN)
    assert "client_secret" in refused.hint


def test_a_public_client_has_none(case):
    token = case.encoded(hmac_key(), alg="HS256")
    refused = case.refused("this client has none", token, algorithms=("HS256",))
    assert "client_secret" in refused.hint
    assert "RS256" in refused.hint


@pytest.mark.parametrize("algorithms", [("RS256",), (), ("none",), ("HS512",)])
def test_it_counts_where_the_metadata_lists_it_alone(case, algorithms):
    token = case.encoded(hmac_key(), alg="HS256")
    refused = case.refused("does not list", token, algorithms=algorithms, secret=OWN)
    assert "`endpoints`" in refused.hint


@pytest.mark.parametrize("algorithms", [("HS256",), ("RS256", "HS256"), ("RS256",), ()])
@pytest.mark.parametrize("secret", [OWN, None])
def test_a_published_key_is_never_the_secret(case, algorithms, secret):
    """Algorithm confusion (RFC 8725 2.1): anybody could sign with what anybody can read."""
    published = case.key.as_dict(private=False)
    forms = [case.key.as_pem(private=False), case.key.as_der(private=False)]
    forms += [published["n"].encode(), json.dumps(published).encode()]
    forms += [json.dumps(published, separators=(",", ":")).encode()]
    for each in forms:
        token = case.encoded(OctKey(each, each), alg="HS256", kid=case.key.kid)
        case.refused("refused", token, algorithms=algorithms, secret=secret)


def test_nor_is_a_symmetric_one_among_them(case):
    leaked = OctKey.generate_key(256, {"kid": "s"})
    case.rogue.script("jwks", lambda _: Reply.json({"keys": [leaked.as_dict(private=True)]}))
    token = case.encoded(leaked, alg="HS256", kid="s")
    case.refused("not signed with this client", token, algorithms=("HS256",), secret=OWN)


def test_a_whole_sign_in(rogue, clock):
    rogue.clock = clock
    rogue.client_secret = SECRET
    rogue.metadata["id_token_signing_alg_values_supported"] = ["HS256"]
    rogue.id_token.secret = SECRET
    providers = Providers({"idp": table(rogue, client_secret=SECRET)})
    engine = Engine(providers, MemoryStore(), clock=clock)
    assert sign_in(engine, rogue).subject == "u-2001"
    engine.close()


def test_a_secret_that_comes_with_a_package_is_none(party, rogue, clock):
    rogue.id_token.secret = SECRET
    answer = exchanged(party, rogue)
    package = CredentialsFrom(package="a", file="b.json", client_id="c")
    endpoints = dataclasses.replace(
        party.endpoints, id_token_signing_alg_values_supported=("HS256",)
    )

    def verified(**fields):
        provider = dataclasses.replace(party.provider, client_secret=OWN, **fields)
        with_secret = dataclasses.replace(party, provider=provider, endpoints=endpoints)
        return identity.verified_claims(with_secret, answer, Discovery(clock), now=rogue.clock())

    assert verified()["sub"] == "u-2001"
    with pytest.raises(ProviderError, match="this client has none"):
        verified(credentials_from=package)
