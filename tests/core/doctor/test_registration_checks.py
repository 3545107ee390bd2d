"""Two harmless requests tell whether a provider knows the client, its secret and where it returns.

At two real servers and at one that answers as others do.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import REDIRECT_URI, party_at, provider_at
from jupyter_auth.core.doctor.registration_checks import CLIENT, REDIRECT, registration
from jupyter_auth.core.protocol.discovery import Discovery
from jupyter_auth.core.protocol.parties import Party
from jupyter_auth.core.provider.field_types import Endpoints
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.secret import Secret
from providers import troubles
from providers.presets.insiders import CALLBACK, Insiders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from jupyter_auth.core.common.finding import Finding
    from providers.oidc import OidcProvider
    from providers.rogue import RogueProvider

SECRET = "registered-secret-2f70"
URI = "https://hub.example/services/jupyter-auth/callback/idp"


def found(party: Party, uri: str = URI, *, sure: bool = True) -> dict[str, Finding]:
    findings = {each.about: each for each in registration(party, uri, sure=sure)}
    assert all(each.fix for each in findings.values() if each.state != "ok")
    assert SECRET not in str(findings)
    return findings


def states(findings: dict[str, Finding]) -> tuple[str, str]:
    return findings[CLIENT].state, findings[REDIRECT].state


# -- oidc-provider ---------------------------------------------------------------------------------


def at(oidc: OidcProvider, **fields: Any) -> Party:
    oidc.add_client("registered", URI, client_secret=SECRET, application_type="web")
    given = {"client_id": "registered", "client_secret": SECRET, "scopes": ["openid"]} | fields
    provider = provider_at(oidc, **given)
    return Party(provider=provider, endpoints=Discovery(time.time).endpoints(provider))


def test_a_client_that_is_registered_as_configured(oidc: OidcProvider) -> None:
    findings = found(at(oidc))
    assert states(findings) == ("ok", "ok")
    assert findings[CLIENT].says.endswith(" accepts the client ID and client secret.")
    assert findings[REDIRECT].says.endswith(f" sends browsers back to {URI}.")
    assert not oidc.events("grant.success")


def test_another_secret_is_told_from_another_id(oidc: OidcProvider) -> None:
    findings = found(at(oidc, client_secret="another"))
    assert states(findings) == ("wrong", "ok")
    assert "rejects this client secret; it knows the client ID" in findings[CLIENT].says
    findings = found(at(oidc, client_id="nobody"))
    assert states(findings) == ("wrong", "note")
    assert "rejects this client ID or client secret" in findings[CLIENT].says
    assert "check client_id first" in findings[CLIENT].fix


def test_a_redirect_uri_that_is_not_registered(oidc: OidcProvider) -> None:
    other = URI.replace("hub.", "other.")
    findings = found(at(oidc), other)
    assert states(findings) == ("ok", "wrong")
    assert findings[REDIRECT].fix.startswith(f"Register exactly {other} there, for the client")
    guessed = found(at(oidc), other, sure=False)[REDIRECT]
    assert (guessed.state, "set public_url" in guessed.fix) == ("note", True)


def test_a_scope_that_the_registration_does_not_have(oidc: OidcProvider) -> None:
    oidc.add_client("narrow", URI, client_secret=SECRET, application_type="web", scope="openid")
    findings = found(at(oidc, client_id="narrow", scopes=["openid", "email"]))
    assert states(findings) == ("ok", "wrong")
    assert "refuses the sign-in (invalid_scope)" in findings[REDIRECT].says


def test_a_secret_that_a_public_client_has_left_is_not_sent(
    oidc: OidcProvider, rogue: RogueProvider
) -> None:
    public = at(oidc, client_id="notebook", client_auth="none")
    assert states(found(public, REDIRECT_URI)) == ("ok", "ok")
    found(party_at(rogue, client_secret=SECRET, client_auth="none"))
    sent = " ".join(f"{r.target} {r.headers} {r.body!r}" for r in rogue.requests)
    assert "made-up" in sent
    assert SECRET not in sent
    assert "authorization" not in {name.lower() for r in rogue.requests for name in r.headers}


# -- django-oauth-toolkit --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def insiders() -> Iterator[Insiders]:
    with Insiders() as server:
        yield server


def at_toolkit(insiders: Insiders, **fields: Any) -> Party:
    endpoints = Endpoints(
        authorization_endpoint=f"{insiders.origin}/oauth2/authorize/",
        token_endpoint=f"{insiders.origin}/oauth2/token/",
    )
    given = {
        "client_id": insiders.code_client,
        "client_secret": Secret(insiders.client_secret),
    } | fields
    return Party(provider=Provider(name="idp", endpoints=endpoints, **given), endpoints=endpoints)


@pytest.mark.parametrize(
    ("fields", "uri", "states_then"),
    [
        ({}, CALLBACK, ("ok", "ok")),
        ({}, URI, ("ok", "wrong")),
        ({"client_secret": Secret("another")}, CALLBACK, ("wrong", "ok")),
        ({"client_id": "nobody"}, CALLBACK, ("wrong", "note")),
        ({"client_id": Insiders.password_client}, CALLBACK, ("wrong", "note")),
    ],
)
def test_the_toolkit_says_which_it_is(insiders, fields, uri, states_then):
    assert states(found(at_toolkit(insiders, **fields), uri)) == states_then


# -- answers of others -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trouble", "states_then"),
    [
        (troubles.error("unauthorized_client", 400), ("wrong", "ok")),
        (troubles.error("invalid_code", 403), ("note", "ok")),
        (troubles.error(f"no {SECRET}!", 403), ("note", "ok")),
        (troubles.status(500), ("wrong",)),
    ],
)
def test_an_error_means_what_its_specification_says_and_no_more(rogue, trouble, states_then):
    rogue.script("token", trouble)
    rogue.script("authorize", troubles.deny("login_required"))
    findings = found(party_at(rogue, client_secret=SECRET))
    assert tuple(each.state for each in findings.values()) == states_then


@pytest.mark.parametrize(
    ("trouble", "state", "said"),
    [
        (troubles.deny("access_denied"), "note", "came back with access_denied"),
        (troubles.deny("invalid_scope"), "wrong", "refuses the sign-in (invalid_scope)"),
        (troubles.redirect("/login?next=x", 302), "note", "did not come back"),
        (troubles.redirect(f"{URI}.evil?error=login_required", 302), "note", "did not come back"),
        (troubles.html(), "note", "did not come back"),
        (
            troubles.html(400),
            "wrong",
            "answered 400 to a sign-in of this client with the redirect URI",
        ),
        (troubles.html(403), "note", "did not come back"),
        (troubles.status(502), "wrong", "answered 502"),
    ],
)
def test_a_browser_that_is_sent_back_nowhere_is_no_proof(rogue, trouble, state, said):
    rogue.script("authorize", trouble)
    findings = found(party_at(rogue))
    assert states(findings) == ("ok", state)
    assert said in findings[REDIRECT].says


def test_who_signs_in_by_no_redirect_is_not_asked(rogue):
    assert not found(party_at(rogue, grants=["device_code"]))
    assert not rogue.requests
