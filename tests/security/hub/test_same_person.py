"""Where people sign in to the Hub and in notebooks alike, they are one person. SECURITY 3."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from oauthenticator.generic import GenericOAuthenticator
from traitlets.config import Config
from traitlets.config.application import Application

import jupyter_auth
from jupyter_auth import Provider
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.server.config import Settings, read_settings
from jupyter_auth.server.hub.brokers import HubBrokers
from jupyter_auth.server.hub.config import SAME_PERSON
from jupyter_auth.server.hub.storage.database import Database, Owner
from jupyter_auth.server.hub.storage.encryption import Encryption
from security.hub.sign_in import ALICE, KEYS, signs_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from hub.hub_process import Hub
    from jupyter_auth.core.engine import Engine
    from providers.oidc import OidcProvider

CLAIM = "preferred_username"


@pytest.fixture
def engine_with(oidc: OidcProvider, tmp_path: Path) -> Iterator[Callable[..., Engine]]:
    """Makes engines of the service for a user, by the rule."""
    database = Database(f"sqlite:///{tmp_path / 'accounts.sqlite'}")
    made: list[HubBrokers] = []

    def make(
        rule: Any, owner: Owner = ALICE, shared: tuple[str, ...] = (), **fields: Any
    ) -> Engine:
        given = {"scopes": ("openid", "profile", "offline_access"), **fields}
        provider = Provider(name="idp", issuer=oidc.issuer, client_id=oidc.client_id, **given)
        providers = Providers({"idp": provider}, allow_user_providers=False)
        settings = Settings(same_person=rule, shared_identities=shared)
        made.append(HubBrokers(settings, providers, database, Encryption(KEYS), base_url="/"))
        return made[-1].engine(owner)

    yield make
    for each in made:
        each.close()
    database.close()


def test_somebody_else_is_refused_and_the_tokens_are_given_back(
    engine_with: Callable[..., Engine], oidc: OidcProvider
) -> None:
    alice = engine_with(CLAIM)
    ended = signs_in(alice, oidc, "bob")
    assert (ended.status, (ended.error or {})["code"]) == ("failed", "user_mismatch")
    assert "bob signed in to" in (ended.error or {})["message"]
    assert "not the Hub user alice" in (ended.error or {})["message"]
    assert "c.JupyterAuth.same_person" in (ended.error or {})["hint"]
    assert alice.accounts() == []
    alice.close()  # what is given back is given back by then
    assert oidc.events("revocation.success") or oidc.events("grant.revoked")
    assert signs_in(engine_with(CLAIM), oidc, "alice").status == "complete"


def test_a_silent_sign_in_takes_no_click_where_the_person_is_certain(
    engine_with: Callable[..., Engine], oidc: OidcProvider
) -> None:
    alice = engine_with(CLAIM)
    assert signs_in(alice, oidc, onward="/lab", confirm_by="proof").status == "complete"
    alice.logout("idp")
    asked = signs_in(alice, oidc, confirm_by="proof")  # with a click, as always
    assert (asked.status, asked.candidate is None) == ("pending", False)


@pytest.mark.parametrize(("rule", "shared"), [("", ()), (CLAIM, ("idp",))])
def test_else_it_is_asked_about(
    engine_with: Callable[..., Engine], oidc: OidcProvider, rule: str, shared: tuple[str, ...]
) -> None:
    anyone = engine_with(rule, shared=shared)
    login = signs_in(anyone, oidc, onward="/lab", confirm_by="proof")
    assert (login.status, login.candidate is None) == ("pending", False)
    assert anyone.accounts() == []


def test_somebody_else_is_not_signed_in_silently(
    engine_with: Callable[..., Engine], oidc: OidcProvider
) -> None:
    alice = engine_with(CLAIM)
    assert signs_in(alice, oidc, "bob", onward="/lab", confirm_by="proof").status == "failed"
    assert alice.accounts() == []


def test_a_name_is_compared_as_the_hub_makes_names(
    engine_with: Callable[..., Engine], oidc: OidcProvider
) -> None:
    """In lower case; and by whatever claim it is made of, also where another one is shown."""
    by_name = engine_with("name", Owner("alice adams", ALICE.created), username_claim="sub")
    assert signs_in(by_name, oidc).status == "complete"
    assert signs_in(engine_with("name", Owner("alice", ALICE.created)), oidc).status == "failed"


def test_a_provider_that_does_not_say_it_is_refused_in_a_sentence_that_names_the_setting(
    engine_with: Callable[..., Engine], oidc: OidcProvider
) -> None:
    ended = signs_in(engine_with("upn"), oidc)
    assert "sent no claim 'upn'" in (ended.error or {})["message"]
    assert "c.JupyterAuth.same_person" in (ended.error or {})["hint"]


@pytest.mark.parametrize("by", ["name", "host"])
def test_it_counts_where_it_is_said_to(
    engine_with: Callable[..., Engine], oidc: OidcProvider, by: str
) -> None:
    at = "idp" if by == "name" else urlsplit(oidc.issuer).netloc
    assert signs_in(engine_with({at: CLAIM}), oidc, "bob").status == "failed"
    assert signs_in(engine_with({"elsewhere.example": CLAIM}), oidc, "bob").status == "complete"
    assert signs_in(engine_with(""), oidc, "carol").status == "complete"


# -- the default -----------------------------------------------------------------------------------


class Renaming(GenericOAuthenticator):  # type: ignore[misc]
    """A site's own."""

    def normalize_username(self, username: str) -> str:
        return username.partition("@")[0]


def hub_signs_in_by(authenticator: str | type, **fields: Any) -> Config:
    c = Config({"Spawner": {"environment": {}}})
    if authenticator:
        c.JupyterHub.authenticator_class = authenticator
    for name, value in fields.items():
        c.OAuthenticator[name] = value
    return c


CAMPUS = {
    "authorize_url": "https://Login.campus.example/authorize",
    "token_url": "https://login.campus.example/token",
    "username_claim": CLAIM,
}


@pytest.mark.parametrize(
    ("c", "rule"),
    [
        (hub_signs_in_by("generic-oauth", **CAMPUS), {"login.campus.example": CLAIM}),
        (hub_signs_in_by("github"), {"github.com": "login"}),
        (hub_signs_in_by("generic-oauth", **CAMPUS, username_map={"a": "b"}), {}),
        (hub_signs_in_by("generic-oauth", **CAMPUS | {"username_claim": str}), {}),
        (hub_signs_in_by("generic-oauth", **CAMPUS, post_auth_hook=print), {}),
        (hub_signs_in_by(Renaming, **CAMPUS), {}),
        (hub_signs_in_by("google", hosted_domain=["corp.com"]), {}),
        (hub_signs_in_by("pam"), {}),
        (hub_signs_in_by(""), {}),
    ],
)
def test_by_default_it_is_the_claim_of_the_hubs_own_sign_in_there(
    c: Config, rule: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the service and to users' servers it travels in their environments."""
    idp = {"issuer": "https://login.campus.example", "client_id": "x"}
    jupyter_auth.hub_config(c, {"idp": idp}, database_url="sqlite:///x", crypt_keys=KEYS)
    (service,) = c.JupyterHub.services
    for environment in (service["environment"], c.Spawner.environment):
        assert json.loads(environment[SAME_PERSON]) == rule
    monkeypatch.setenv(SAME_PERSON, c.Spawner.environment[SAME_PERSON])
    assert read_settings(Application(), "/").same_person == rule


def test_it_can_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    c = hub_signs_in_by("github")
    jupyter_auth.hub_config(c, same_person="")
    assert json.loads(c.Spawner.environment[SAME_PERSON]) == ""
    monkeypatch.setenv(SAME_PERSON, json.dumps(CLAIM))
    off = Application(config=Config({"JupyterAuth": {"same_person": ""}}))
    assert read_settings(off, "/").same_person == ""


# -- on a Hub --------------------------------------------------------------------------------------


def test_on_a_users_own_server_too(hub: Hub, oidc: OidcProvider) -> None:
    """Alice is made to finish a login with a code of mallory's (here: bob's) account."""
    kernel, browser = hub.server("alice").kernel(), hub.browser("alice")
    login = kernel.begin(provider="same", session_key="forced")
    page = browser.arrive(oidc.login(browser.open(login), "bob"))
    assert "bob signed in to Example ID, not the Hub user alice." in browser.page(page)
    assert kernel.call("GET", f"logins/{login['id']}")["error"]["code"] == "user_mismatch"
    assert kernel.ask("POST", "token", {"provider": "same", "session_key": "forced"})[0] == 401
