"""ID tokens signed with a client's secret (OpenID Connect Core 10.1), as Authentik does without a
signing key.
"""

from __future__ import annotations

import dataclasses
import json

import pytest
from joserfc.jwk import OctKey

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

SECRET = "planted-client-secret-of-more-than-32-bytes"
OWN = Secret(SECRET)
HMAC = ["HS256", "HS384", "HS512"]


def key(secret: str = SECRET) -> OctKey:
    return OctKey(secret.encode(), secret.encode())


@pytest.mark.parametrize("algorithm", HMAC)
def test_a_confidential_clients_secret_signs(case, algorithm):
    token = case.encoded(key(), alg=algorithm, kid="whatever")
    assert case.verify(token, algorithms=("RS256", algorithm), secret=OWN)["sub"] == "u-1"
    assert case.rogue.seen("jwks") == []


def test_a_short_secret_and_one_beyond_ascii_are_secrets(case):
    for secret in ("short", "pässword"):
        token = case.encoded(key(secret), alg="HS256")
        assert case.verify(token, algorithms=("HS256",), secret=Secret(secret))["sub"] == "u-1"


def test_another_secret_does_not(case):
    token = case.encoded(key("another"), alg="HS256")
    refused = case.refused("not signed with this client", token, algorithms=("HS256",), secret=OWN)
    assert "client_secret" in refused.hint


def test_a_public_client_has_none(case):
    token = case.encoded(key(), alg="HS256")
    refused = case.refused("this client has none", token, algorithms=("HS256",))
    assert "client_secret" in refused.hint
    assert "RS256" in refused.hint


@pytest.mark.parametrize("algorithms", [("RS256",), (), ("none",), ("HS512",)])
def test_it_counts_where_the_metadata_lists_it_alone(case, algorithms):
    token = case.encoded(key(), alg="HS256")
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
