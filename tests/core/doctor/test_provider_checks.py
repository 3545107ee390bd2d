"""What ``doctor`` finds of a provider, asked over a socket; of each line that is wrong, its fix."""

from __future__ import annotations

import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

import pytest

from core.sign_in import provider_at
from jupyter_auth.core.doctor.provider_checks import checkup
from providers import certificates, troubles
from providers.rogue import RogueProvider

if TYPE_CHECKING:
    from jupyter_auth.core.common.finding import Finding
    from providers.troubles import Proceed, Reply


def found(server: Any, *, clock: Any = time.time, **fields: Any) -> dict[str, Finding]:
    """The findings by what they are about: the last of each, and each wrong one has a fix."""
    findings = list(checkup(provider_at(server, **fields), clock))
    assert all(each.fix for each in findings if each.state == "wrong")
    return {each.about: each for each in findings}


def states(findings: dict[str, Finding]) -> set[str]:
    return {each.state for each in findings.values()}


def dated(value: str, **more: str) -> Any:
    def trouble(proceed: Proceed) -> Reply:
        reply = proceed()
        reply.headers.update({"Date": value, **more})
        return reply

    return trouble


def test_a_good_provider_has_nothing_wrong(oidc):
    findings = found(oidc)
    assert states(findings) == {"ok"}
    assert findings["Metadata"].says.startswith(f"{oidc.issuer}/.well-known/openid-configuration")
    assert "agrees" in findings["Clock"].says
    assert findings["Signing keys"].says.startswith("1 at ")
    assert findings["Token goes to"].says == f"{oidc.issuer}, and nowhere else."
    assert findings["Connection"].says == "http, which never leaves this machine."


def test_no_secret_is_sent_or_said(rogue):
    findings = found(rogue, client_secret="planted-7d1f")
    assert "planted-7d1f" not in str(findings)
    sent = " ".join(f"{r.target} {r.headers} {r.body!r}" for r in rogue.requests)
    assert "planted-7d1f" not in sent
    assert "authorization" not in sent
    assert findings["Client"].says == "notebook, with a client secret (client_auth 'auto')."


def test_no_client_id(rogue):
    client = found(rogue, client_id=None)["Client"]
    assert client.state == "wrong"
    assert "`jupyter auth add idp --client-id ID`" in client.advice


def test_a_secret_that_is_to_be_shown_and_is_missing(rogue):
    client = found(rogue, client_auth="post")["Client"]
    assert client.state == "note"
    assert "`jupyter auth add idp --client-secret`" in client.advice


def test_a_provider_that_is_away(rogue):
    rogue.offline()
    findings = found(rogue)
    assert findings["Provider"].state == "wrong"
    assert "cannot be reached" in findings["Provider"].says
    assert findings["Client"].state == "ok"


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (
            troubles.status(404),
            "HTTP 404 at /.well-known/openid-configuration and /.well-known/",
        ),
        (troubles.status(500), "answered 500"),
        (troubles.html(), "not a JSON object"),
        (troubles.fields(issuer="https://other.example"), "names another issuer"),
        (troubles.fields(token_endpoint="http://plain.example"), "unusable token_endpoint"),
        (troubles.redirect("/.well-known/openid-configuration"), "a redirect"),
    ],
)
def test_metadata_that_cannot_be_used(rogue, trouble, said):
    rogue.script("discovery", trouble)
    provider = found(rogue)["Provider"]
    assert provider.state == "wrong"
    assert said in provider.says


def test_what_each_address_said(rogue):
    """A note for each that had no document, and what was found names where it was."""
    rogue.script("discovery", troubles.html(), times=1)
    notes = [each for each in checkup(provider_at(rogue), time.time) if each.about == "Metadata"]
    assert [each.state for each in notes] == ["note", "ok"]
    assert notes[0].says.startswith(f"{rogue.issuer}/.well-known/openid-configuration: ")
    assert "text/html" in notes[0].says
    oauth = f"{rogue.issuer}/.well-known/oauth-authorization-server"
    assert notes[1].says.startswith(f"{oauth} names the issuer as configured")


def test_another_issuer_is_not_said_to_be_as_configured(rogue):
    rogue.metadata = {"issuer": f"{rogue.issuer}/"}
    assert f"names the issuer {rogue.issuer}/, and" in found(rogue)["Metadata"].says
    rogue.metadata = {"issuer": "https://login.example/{tenantid}/v2.0"}
    url = f"{rogue.issuer}/.well-known/openid-configuration"
    assert f'metadata_url = "{url}"' in found(rogue)["Provider"].fix
    for issuer in (rogue.issuer, None):
        metadata = found(rogue, issuer=issuer, metadata_url=url)["Metadata"]
        assert metadata.says.startswith(
            f"{url} names the issuer https://login.example/{{tenantid}}"
        )


def test_keys_that_are_away(rogue):
    rogue.script("jwks", troubles.status(500))
    findings = found(rogue)
    assert findings["Provider"].state == "wrong"
    assert findings["Metadata"].state == "ok"


@pytest.mark.parametrize(
    ("ahead", "state", "said"),
    [
        (0, "ok", "agrees"),
        (30, "note", "30 seconds ahead of the provider's"),
        (3600, "wrong", "60 minutes ahead of the provider's"),
        (-7200, "wrong", "120 minutes behind the provider's"),
    ],
)
def test_the_clock_is_compared(rogue, ahead, state, said):
    rogue.script("discovery", dated(formatdate(1_800_000_000, usegmt=True)))
    clock = found(rogue, clock=lambda: 1_800_000_000.0 + ahead)["Clock"]
    assert clock.state == state
    assert said in clock.says
    assert ("timedatectl" in clock.fix) == (state != "ok")


def test_what_rested_in_a_cache_is_older_than_it_says(rogue):
    trouble = dated(formatdate(1_800_000_000, usegmt=True), Age="600")
    rogue.script("discovery", trouble)
    assert found(rogue, clock=lambda: 1_800_000_600.0)["Clock"].state == "ok"


@pytest.mark.parametrize("date", ["yesterday", ""])
def test_a_date_that_is_none_is_said(rogue, date):
    rogue.script("discovery", dated(date))
    assert "no time to compare" in found(rogue)["Clock"].says


def test_a_base_url_that_the_token_does_not_go_to(rogue):
    fields = {"base_url": "https://api.example.com/v1/", "api_origins": ["https://else.example"]}
    origins = found(rogue, **fields)["Token goes to"]
    assert origins.state == "wrong"
    assert "https://api.example.com to its api_origins" in origins.fix


def test_what_the_metadata_does_not_offer(rogue):
    rogue.metadata = {
        "token_endpoint_auth_methods_supported": ["client_secret_post"],
        "scopes_supported": ["openid", "email"],
    }
    secret = {"client_secret": "s", "client_auth": "basic"}
    findings = found(rogue, **secret, scopes=["openid", "write"])
    assert findings["Client"].state == findings["Scopes"].state == "note"
    assert "client_secret_basic, but client_secret_post" in findings["Client"].says
    assert findings["Scopes"].says.endswith("offer write.")


def test_a_client_that_goes_by_the_metadata_is_as_it_should_be(rogue):
    rogue.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    assert found(rogue, client_secret="s")["Client"].state == "ok"


@pytest.mark.parametrize(
    ("metadata", "what", "state"),
    [
        ({"require_pushed_authorization_requests": True}, "PAR, RFC 9126", "wrong"),
        ({"require_signed_request_object": True}, "JAR, RFC 9101", "wrong"),
        ({"token_endpoint_auth_methods_supported": ["private_key_jwt"]}, "private_key", "note"),
    ],
)
def test_what_is_demanded_and_not_here_is_said(rogue, metadata, what, state):
    assert "Demands" not in found(rogue)
    rogue.metadata = metadata
    demands = found(rogue)["Demands"]
    assert demands.state == state
    assert what in demands.says


@pytest.mark.parametrize("trouble", [None, troubles.redirect("/x", 302), troubles.status(405)])
def test_without_an_issuer_somebody_is_at_the_token_endpoint(rogue, trouble):
    if trouble:
        rogue.script("token", trouble)
    endpoints = {name: f"{rogue.issuer}/{name[:5]}" for name in ("authorization_endpoint",)}
    endpoints["token_endpoint"] = f"{rogue.issuer}/token"
    findings = found(rogue, issuer=None, endpoints=endpoints)
    assert states(findings) == {"ok"}
    assert findings["Token endpoint"].says == f"{rogue.issuer}/token answers."


def test_certificates(tmp_path):
    certificate = certificates.make(tmp_path)
    with RogueProvider(certificate=certificate) as private:
        untrusted = found(private)["Provider"]
        assert "is not trusted here" in untrusted.says
        assert "ca_bundle" in untrusted.fix
        trusted = found(private, ca_bundle=str(certificate.ca_bundle))
        assert states(trusted) == {"ok"}
        assert str(certificate.ca_bundle) in trusted["Connection"].says
        endpoints = {"token_endpoint": f"{private.issuer}/token"}
        gone = found(private, issuer=None, endpoints=endpoints, ca_bundle="gone.pem")["Provider"]
        assert "gone.pem cannot be read" in gone.says


def test_a_service_account(rogue):
    token_endpoint = {"token_endpoint": f"{rogue.issuer}/token"}
    alone = {"issuer": None, "client_id": None, "endpoints": token_endpoint}
    findings = found(rogue, service={}, **alone)
    assert findings["Service account"].state == "note"
    assert "JUPYTER_AUTH_IDP_CLIENT_SECRET" in findings["Service account"].fix
    assert "Client" not in findings  # nobody signs in there, so none is missing
    findings = found(rogue, service={"client_id": "nightly", "client_secret": "s"}, **alone)
    assert findings["Service account"].state == "ok"
    assert "nightly" in findings["Service account"].says
    assert "Client" in found(rogue, service={})
