"""What is believed of a token endpoint, an API and a kernel: kinds of tokens, keys and times."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from joserfc.jwk import RSAKey
from requests.structures import CaseInsensitiveDict

from core.sign_in import arrive, table
from core.tokens.store_files import ACCOUNT
from jupyter_auth.core.common import rate_limits, times
from jupyter_auth.core.common.times import retry_after
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol import id_token
from jupyter_auth.core.protocol.dialect import standard_parameters
from jupyter_auth.core.protocol.oauth_response import (
    LIFETIME,
    DeviceAuthorizationResponse,
    TokenResponse,
)
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.limits import lockouts
from jupyter_auth.core.tokens.store import decoded, encoded
from jupyter_auth.kernel.commands.verbs import moment
from jupyter_auth.server.broker import request_parsing
from memory_store import MemoryStore
from providers import troubles

if TYPE_CHECKING:
    from collections.abc import Callable

    from clock import Clock
    from jupyter_auth.core.models import Login
    from providers.rogue import RogueProvider

NOW = 1_800_000_000.0


def signed_in(rogue: RogueProvider, clock: Clock) -> Login:
    """How a sign-in there ends."""
    rogue.clock = clock
    engine = Engine(Providers({"idp": table(rogue)}), MemoryStore(), clock=clock)
    login = arrive(engine, engine.begin(LoginRequest("idp")), rogue).finish(engine)
    engine.close()
    return login


@pytest.mark.parametrize("kind", ["DPoP", "mac", "N_A", "bearer\x1b[2J", "Bearer token"])
def test_a_token_of_another_type_is_not_used(rogue, clock, kind):
    """RFC 6749 7.1: it would be sent as what it is not."""
    rogue.script("token", troubles.fields(token_type=kind))
    login = signed_in(rogue, clock)
    assert login.status == "failed"
    assert login.error["code"] == "provider_error"
    assert "answered with a token of type" in login.error["message"]
    assert login.error["message"].isprintable()


@pytest.mark.filterwarnings("ignore:Key size")
def test_a_short_rsa_key_signs_nothing(rogue, clock):
    """RFC 7518 3.3. It can be broken, and then anybody is anybody."""
    rogue.id_token._keys = [RSAKey.generate_key(1024, {"use": "sig", "alg": "RS256", "kid": "x"})]
    login = signed_in(rogue, clock)
    assert login.status == "failed"
    assert "RSA key of less than 2048 bits" in login.error["message"]


def test_a_short_key_spoils_no_other(rogue, clock):
    published = rogue.id_token.jwks

    def with_short() -> dict[str, Any]:
        return {
            "keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "x"}, *published()["keys"]]
        }

    rogue.id_token.jwks = with_short
    assert signed_in(rogue, clock).status == "complete"


# Times


def from_a_file(value: Any, tmp_path: Any) -> float | None:
    file = tmp_path / "lockout.json"
    file.write_text(json.dumps({"until": value}))
    return lockouts._moment(file) or None


def of_an_account(value: Any) -> Any:
    fields = json.loads(encoded(ACCOUNT)) | {"expires_at": value}
    return decoded(json.dumps(fields).encode()).expires_at


def of_a_device(value: Any) -> float | None:
    uri = "https://idp.example/device"
    answer = {"device_code": "d", "user_code": "u", "verification_uri": uri, "expires_in": value}
    found = DeviceAuthorizationResponse.parse(answer).expires_in
    return None if found == LIFETIME else found  # which is that of an answer that says nothing


def of_a_quota(value: Any) -> float | None:
    said = {"X-RateLimit-Limit": "9", "X-RateLimit-Reset": str(value)}
    found = rate_limits.quota_of(CaseInsensitiveDict(said), NOW)
    return found and found.reset_at


def of_a_token_response(value: Any) -> float | None:
    return TokenResponse.parse({"access_token": "t", "expires_in": value}).expires_in


def of_a_dialect(value: Any) -> Any:
    own = Provider(name="own", issuer="https://idp.example", token_response={"expires_at": "ends"})
    return standard_parameters(own, {"ends": value}).get("expires_at")


def of_an_id_token(value: Any) -> Any:
    id_token._check_times({"exp": value, "iat": NOW}, NOW)
    return value


def of_a_provider(value: Any) -> float | None:
    return Provider(name="own", issuer="https://idp.example", leeway=value).leeway


def reported(value: Any) -> float | None:
    return request_parsing.limits({"provider": "own", "throttled_until": value}).throttled_until


def reported_quota(value: Any) -> float | None:
    quota = request_parsing.limits({"provider": "own", "quota": {"reset_at": value}}).quota
    return quota and quota.reset_at


READERS: dict[str, Callable[[Any], Any]] = {
    "expires_in": of_a_token_response,
    "Retry-After": lambda value: retry_after(str(value)),
    "X-RateLimit-Reset": of_a_quota,
    "expires_at": of_a_dialect,
    "device": of_a_device,
    "exp": of_an_id_token,
    "account": of_an_account,
    "leeway": of_a_provider,
    "throttled_until": reported,
    "quota": reported_quota,
    "wait": lambda value: request_parsing.number(value, "wait", 30.0),
}


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 1e300, -5], ids=str)
def test_no_time_is_none(reader, value):
    """Each says so, or takes it for nothing; and none of them ends in what cannot be shown."""
    try:
        found = reader(value)
    except (AuthError, TypeError):
        return
    assert found is None or value == 1e300
    if reader is not of_an_id_token:  # which is only compared
        assert found is None or found <= times.LAST


NEVER = 253_402_300_799  # 9999-12-31T23:59:59Z, as .NET and others say it


@pytest.mark.parametrize("reader", [of_a_dialect, of_an_account, reported, reported_quota])
@pytest.mark.parametrize("value", [NEVER, 1e18])
def test_never_is_a_moment_far_away(reader, value):
    assert moment(reader(value)).startswith("9892-")


@pytest.mark.parametrize("value", [NEVER, 1e18])
def test_an_id_token_may_expire_far_away(rogue, clock, value):
    rogue.id_token.claims["exp"] = value
    assert signed_in(rogue, clock).status == "complete"


def test_one_from_far_away_is_refused_in_a_short_sentence(rogue, clock):
    rogue.id_token.claims["iat"] = 1e300
    login = signed_in(rogue, clock)
    assert login.status == "failed"
    assert "clock" in login.error["message"]
    assert len(login.error["message"]) < 200


def test_nor_in_a_file(tmp_path):
    for value in (float("nan"), float("inf"), 1e300, "soon"):
        assert from_a_file(value, tmp_path) is None
    assert from_a_file(NOW, tmp_path) == NOW
