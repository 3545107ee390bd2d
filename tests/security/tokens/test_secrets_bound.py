"""A secret of the server goes only where it was given for (SECURITY 11, 15).

What a kernel brings comes in by the kernel API; the evil provider is a real one, and listens.
"""

from __future__ import annotations

import json

import pytest

import jupyter_auth
from core.sign_in import arrive, exchanged, party_at, provider_at, sign_in, table
from jupyter_auth.core.common.finding import Finding
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.doctor.storage_checks import providers_file
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.errors import AuthError, ConfigurationError, LoginRequired
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider import user_providers
from jupyter_auth.core.provider.definitions import provider_from_mapping, replace_provider
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from kernel.broker_socket import BrokerSocket
from memory_store import MemoryStore
from providers import troubles
from providers.rogue import RogueProvider

SECRET = "planted-server-secret"
ENVIRON = {
    "JUPYTER_AUTH_ACME_CLIENT_SECRET": SECRET,
    "JUPYTER_AUTH_GITHUB_CLIENT_SECRET": SECRET,
    "JUPYTER_AUTH_INSIDERS_USERNAME": "rosa",
    "JUPYTER_AUTH_INSIDERS_PASSWORD": SECRET,
    "JUPYTER_AUTH_BITFOUNT_API_KEY_ID": "id",
    "JUPYTER_AUTH_BITFOUNT_API_KEY": SECRET,
}


@pytest.fixture
def evil():
    with RogueProvider() as provider:
        yield provider


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config" / "providers.toml"


@pytest.fixture
def kernel(file, tmp_path):
    """What a kernel of this server can ask: its person's own file, and the secrets above."""
    providers = Providers(user_file=file, environ=ENVIRON)
    engine = Engine(providers, MemoryStore(), environ=ENVIRON, home=tmp_path)
    with BrokerSocket(engine, tmp_path / "runtime") as kernel_api:
        client = BrokerClient(kernel_api.path)
        yield client
        client.close()
    engine.close()


def endpoints(server) -> dict[str, str]:
    paths = {"token_endpoint": "token", "authorization_endpoint": "authorize"}
    return {name: f"{server.issuer}/{path}" for name, path in paths.items()}


def came_to(evil) -> str:
    return "".join(f"{r.target} {r.headers} {r.body!r}" for r in evil.requests)


def attempts(kernel, name):
    """All by which a secret could leave."""
    for attempt in (
        lambda: kernel.client_token(name),
        lambda: kernel.token(name),
        lambda: kernel.begin(LoginRequest(name, grant="device_code")),
        lambda: kernel.import_accounts(name),
    ):
        try:
            yield repr(attempt())
        except AuthError as error:
            yield f"{error.message} {error.hint}"


ENTRIES = {
    "acme": {"service": {}},
    "github": {"service": {}, "client_auth": "post"},
    "insiders": {"grants": ["password"]},
    "bitfount": {
        "grants": ["api_key"],
        "api_key": {
            "parts": {"api_key_id": "Id", "api_key": "Key"},
            "headers": {"*": {"x-key": "{api_key}"}},
        },
    },
}


@pytest.mark.parametrize("name", ENTRIES)
def test_no_secret_of_the_environment_completes_what_a_kernel_adds(kernel, evil, name):
    """Over a preset's name, or over one that only the environment has heard of."""
    fields = ENTRIES[name] | {"endpoints": endpoints(evil), "client_id": evil.client_id}
    kernel.add(name, fields | {"api_origins": [evil.issuer]})
    said = " ".join(attempts(kernel, name))
    assert SECRET not in came_to(evil) + said
    with pytest.raises(LoginRequired):
        kernel.token(name)


@pytest.mark.parametrize("name", ENTRIES)
def test_nor_what_a_kernel_registers(kernel, evil, name):
    fields = ENTRIES[name] | {"endpoints": endpoints(evil), "client_id": evil.client_id}
    info = kernel.register(provider_from_mapping(name, fields | {"api_origins": [evil.issuer]}))
    said = " ".join(attempts(kernel, info.name))
    assert SECRET not in came_to(evil) + said
    with pytest.raises(LoginRequired):
        kernel.token(info.name)


def test_no_key_is_read_from_a_variable_that_a_kernel_names(kernel, evil):
    key = {
        "parts": {"key": "Key"},
        "headers": {"*": {"x-key": "{key}"}},
        "environment": {"key": "JUPYTER_AUTH_ACME_CLIENT_SECRET"},
    }
    fields = {"grants": ["api_key"], "api_key": key}
    handle = kernel.register(provider_at(evil, "mine", **fields)).name
    kernel.add("mine", table(evil, **fields))
    for name in ("mine", handle):
        with pytest.raises(LoginRequired):
            kernel.token(name)


def test_what_to_do_is_said_in_a_sentence(kernel, evil, file):
    kernel.add("acme", table(evil, service={}))
    with pytest.raises(ConfigurationError, match="JUPYTER_AUTH_ACME_CLIENT_SECRET") as caught:
        kernel.client_token("acme")
    assert "`jupyter auth add acme --client-secret`" in caught.value.hint
    findings = list(providers_file(Providers(user_file=file, environ=ENVIRON)))
    assert Finding(
        about="Client secret", says=caught.value.message, fix=caught.value.hint, state="wrong"
    ) in findings  # fmt: skip
    kernel.add("acme", {"client_secret": "its own"})
    assert Providers(user_file=file, environ=ENVIRON).unused_secret("acme") is None


def test_the_environment_is_for_the_configuration_and_for_presets(file):
    """Also for a preset that a person's own file completes."""
    providers = Providers({"acme": {"issuer": "https://acme.example"}}, environ=ENVIRON)
    assert providers.get("acme").client_secret.reveal() == SECRET
    own = Providers(user_file=file, environ=ENVIRON)
    own.save("github", {"client_id": "mine", "scopes": ["repo"]})
    assert own.get("github").client_secret.reveal() == SECRET
    own.save("insiders", {"client_id": "mine", "grants": ["password"]})
    assert own.password("insiders").password.reveal() == SECRET
    own.save("acme", {"issuer": "https://acme.example", "client_id": "x"})
    assert own.get("acme").client_secret is None


def test_a_program_of_the_persons_own_uses_its_environment(file):
    """With no server there is no kernel that could have brought the definition."""
    providers = Providers(user_file=file, environ=ENVIRON, own_process=True)
    providers.save("acme", {"issuer": "https://acme.example", "client_id": "x"})
    assert providers.get("acme").client_secret.reveal() == SECRET


# -- secrets that were written down --------------------------------------------------------------


def given_for_the_preset(file):
    """A person gave the client secret of a preset that has a client ID of its own."""
    providers = Providers(user_file=file)
    providers.save("bitfount", {"client_secret": SECRET})
    assert providers.get("bitfount").client_secret.reveal() == SECRET


@pytest.mark.parametrize("field", ["service", "endpoints"])
def test_a_secret_that_was_written_down_follows_no_other_definition(kernel, evil, file, field):
    """The same client, with its people or its service account sent to another token endpoint."""
    given_for_the_preset(file)
    before = Providers().get("bitfount")
    fields = {"client_id": before.client_id, "endpoints": endpoints(evil), "service": {}}
    if field == "service":
        fields["service"] = {"token_endpoint": f"{evil.issuer}/token"}
        fields["endpoints"] = {"token_endpoint": before.endpoints.token_endpoint}
    kernel.add("bitfount", fields)
    said = list(attempts(kernel, "bitfount"))
    assert SECRET not in came_to(evil) + " ".join(said)
    assert "was given for another definition of it. Add it for this one" in said[0]


def test_a_secret_that_is_left_over_stops_no_public_client(file, rogue):
    """It is what may be wrong where the provider does not know the client, and easily dropped."""
    acme = table(rogue) | {"client_id": "with a secret", "client_secret": SECRET}
    Providers(user_file=file).save("idp", acme)
    file.write_text(file.read_text().replace("with a secret", rogue.client_id))
    engine = Engine(Providers(user_file=file), MemoryStore(), clock=rogue.clock)
    rogue.script("token", troubles.error("invalid_client", 401), times=1)
    failed = arrive(engine, engine.begin(LoginRequest("idp")), rogue).finish(engine)
    assert "was given for another definition of it" in failed.error["hint"]
    assert "`jupyter auth add idp --client-id ID`" in failed.error["hint"]
    sign_in(engine, rogue)
    assert [each.about for each in engine.examine() if each.state == "wrong"] == ["Client secret"]
    engine.add("idp", {"client_id": rogue.client_id})
    assert SECRET not in user_providers.secrets_file(file).read_text()
    assert [each for each in engine.examine() if each.state == "wrong"] == []
    rogue.script("token", troubles.error("invalid_client", 401), times=1)
    failed = arrive(engine, engine.begin(LoginRequest("idp")), rogue).finish(engine)
    assert "another definition" not in failed.error["hint"]


def test_where_the_environment_names_the_client_it_has_the_secret_too(file):
    Providers(user_file=file).save("github", {"client_id": "mine", "client_secret": SECRET})
    environ = {"JUPYTER_AUTH_GITHUB_CLIENT_ID": "theirs"}
    said = Providers(user_file=file, environ=environ).unused_secret("github")
    assert "set JUPYTER_AUTH_GITHUB_CLIENT_SECRET too" in said.hint


def test_one_of_the_first_version_is_for_what_no_kernel_wrote(file):
    given_for_the_preset(file)
    secrets = user_providers.secrets_file(file)
    kept = json.loads(secrets.read_text())
    kept["bitfount"]["fingerprint"] = Providers().get("bitfount").first_fingerprint
    secrets.write_text(json.dumps(kept))
    assert Providers(user_file=file).get("bitfount").client_secret.reveal() == SECRET
    before = Providers().get("bitfount")
    fields = {"client_id": before.client_id, "audience": before.audience, "service": {}}
    fields["endpoints"] = {"token_endpoint": before.endpoints.token_endpoint}
    Providers(user_file=file).save("bitfount", fields)
    assert Providers(user_file=file).get("bitfount").client_secret is None
    said = Providers(user_file=file).unused_secret("bitfount").message
    assert "An earlier version saved the client secret of 'bitfount'" in said


def test_changes_in_code_take_no_secret_along(file, monkeypatch):
    """``jupyter_auth.provider(name, ...)`` begins with what a person's own file says."""
    monkeypatch.setattr("jupyter_auth.core.provider.registry.user_file", lambda: file)
    acme = {"issuer": "https://acme.example", "client_id": "x", "client_secret": SECRET}
    Providers(user_file=file).save("acme", acme)
    assert jupyter_auth.provider("acme", scopes="a").client_secret.reveal() == SECRET
    assert jupyter_auth.provider("acme", base_url="https://b.example").client_secret
    changes = {"issuer": "https://evil.example"}, {"token_params": {"a": "b"}}, {"service": {}}
    for change in changes:
        assert jupyter_auth.provider("acme", **change).client_secret is None
    mine = jupyter_auth.provider("acme", issuer="https://mine.example", client_secret="mine")
    assert mine.client_secret.reveal() == "mine"


@pytest.mark.parametrize("path", ["../../secrets.json", "/etc/secrets.json", "a\\..\\b", "C:\\a"])
def test_a_packages_credentials_are_in_that_package(path):
    source = {"package": "requests", "file": path, "client_id": "ID"}
    with pytest.raises(ConfigurationError, match="a path in that package"):
        Provider(name="own", issuer="https://own.example", credentials_from=source)


# -- guesses -------------------------------------------------------------------------------------


def test_registering_tells_nobody_whether_a_secret_is_right():
    """Nor whether one of a service account is."""
    fields = {"issuer": "https://acme.example", "client_id": "x", "client_secret": SECRET}
    fields["service"] = {"client_id": "s", "client_secret": SECRET}
    providers = Providers({"acme": fields})
    known = providers.get("acme")
    for one in (SECRET, "wrong"):
        for service in (SECRET, "wrong"):
            guess = {"client_secret": one, "service": {"client_secret": service}}
            assert providers.register(replace_provider(known, **guess)) == providers.info("acme")
    assert providers.get("acme") == known


# -- files of other packages ---------------------------------------------------------------------


@pytest.fixture
def cache(rogue, tmp_path):
    """Where another package keeps a sign-in, and what a provider's data say of that."""
    path = tmp_path / ".other" / "token"
    path.parent.mkdir()
    token = exchanged(party_at(rogue), rogue).refresh_token.reveal()
    path.write_text(json.dumps({"refresh_token": token, "client_id": rogue.client_id}))
    return path, {"paths": [str(path)], "matches": {"client_id": rogue.client_id}}


def test_what_another_package_keeps_is_for_no_definition_of_a_kernels(kernel, evil, cache):
    path, import_from = cache
    kernel.add("mine", table(evil, import_from=import_from))
    handle = kernel.register(provider_at(evil, "mine", scopes="a", import_from=import_from)).name
    for name in ("mine", handle):
        with pytest.raises(ConfigurationError):
            kernel.import_accounts(name)
    assert json.loads(path.read_text())["refresh_token"] not in came_to(evil)


def imported(rogue, import_from, tmp_path):
    engine = Engine(
        Providers({"idp": table(rogue, import_from=import_from)}), MemoryStore(), home=tmp_path
    )
    (one,) = engine.import_accounts("idp")
    engine.close()
    return one.problem


def test_a_sign_in_of_another_registration_is_refused(rogue, cache, tmp_path):
    """Its refresh token would be shown to a provider that it is none of."""
    _, import_from = cache
    for other in ({"client_id": "another"}, {"client_id": rogue.client_id, "tenant": "ours"}):
        problem = imported(rogue, import_from | {"matches": other}, tmp_path)
        assert problem == "It was issued to a different client."
    assert rogue.seen("refresh") == []
    assert imported(rogue, import_from, tmp_path) == ""


def test_names_are_what_the_environment_goes_by(kernel, evil):
    """A handle has the name in front, and is still nobody's."""
    handle = kernel.register(provider_at(evil, "github", service={}, client_auth="post")).name
    assert plain(handle) == "github"
    with pytest.raises(ConfigurationError, match="No client secret"):
        kernel.client_token(handle)
