"""What a preset leaves open, and several providers of one preset."""

from __future__ import annotations

import pytest

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.definitions import (
    Incomplete,
    provider_from_mapping,
    provider_to_mapping,
)
from jupyter_auth.core.provider.registry import Providers, provider
from jupyter_auth.core.secret import Secret

GIT = {
    "title": "Git",
    "issuer": "https://{host}",
    "client_id": "x",
    "base_url": "https://{host}/api/v4/",
    "api_origins": ["https://{host}"],
    "authorize_params": {"tenant": "{realm}"},
    "header": {"name": "Authorization", "template": "Bearer {token}"},
    "placeholders": {
        "host": {"says": "Host of your Git", "default": "git.example"},
        "realm": {"says": "Realm", "kind": "segment", "default": "main"},
    },
    "register": {
        "url": "https://{host}/apps",
        "client": "public",
        "says": ["Create an app at {host}.", "Its redirect URI is {redirect_uri}."],
    },
}
OPEN = {**GIT, "placeholders": {"host": {"says": "Host of your Git"}, "realm": {"says": "Realm"}}}


def made(name="git", **changes):
    return provider_from_mapping(name, {**GIT, **changes})


def test_the_defaults_fill_what_is_not_set():
    git = made()
    assert (git.issuer, git.base_url) == ("https://git.example", "https://git.example/api/v4/")
    assert git.authorize_params == {"tenant": "main"}
    assert git.register.url == "https://git.example/apps"


def test_what_is_set_goes_into_every_string_of_the_table():
    git = made(set={"host": "git.acme.example:8443"})
    assert git.issuer == "https://git.acme.example:8443"
    assert git.api_origins == ("https://git.acme.example:8443",)
    assert git.register.says[0] == "Create an app at git.acme.example:8443."


def test_other_words_in_braces_stay():
    git = made(metadata_url="https://{host}/{tenantid}", issuer=None)
    assert git.header.template == "Bearer {token}"
    assert git.metadata_url == "https://git.example/{tenantid}"
    assert git.register.says[1] == "Its redirect URI is {redirect_uri}."


def test_accounts_are_bound_to_the_addresses_that_come_out():
    written_out = {k: v for k, v in GIT.items() if k not in {"placeholders", "register"}} | {
        "issuer": "https://git.acme.example",
        "base_url": "https://git.acme.example/api/v4/",
        "api_origins": ["https://git.acme.example"],
        "authorize_params": {"tenant": "main"},
    }
    mine, theirs = made(set={"host": "git.acme.example"}), provider_from_mapping("git", written_out)
    assert mine.fingerprint == theirs.fingerprint != made().fingerprint


def test_what_travels_is_the_definition_without_its_guide():
    git = made(set={"host": "git.acme.example"})
    fields = provider_to_mapping(git)
    assert not {"preset", "placeholders", "set", "register"} & fields.keys()
    again = provider_from_mapping("git", fields)
    assert again.fingerprint == git.fingerprint


@pytest.mark.parametrize(
    "host",
    [
        *("", "a/b", "https://a.example", "me@a.example", "a.example?x", "a.example#x", "a\\b"),
        *("a b", "a.example:", "a.example:0x", "..", "a..b", "\u202ea.example", "a%2fb", "a\n"),
        "{token}",
    ],
)
def test_a_host_smuggles_nothing(host):
    with pytest.raises(ConfigurationError, match="The host of provider 'git' must be a host name"):
        made(set={"host": host})


@pytest.mark.parametrize("segment", ["", ".", "..", "a/b", "a?b", "a#b", "a b", "ä", "x" * 201])
def test_a_segment_smuggles_nothing(segment):
    with pytest.raises(ConfigurationError, match="The realm of provider 'git' must be one word"):
        made(set={"realm": segment})


@pytest.mark.parametrize(
    "url", ["acme.example", "http://acme.example", "https://a@b", "https://a/?q", "https://a\\b"]
)
def test_an_url_is_one_that_tokens_may_go_to(url):
    placeholders = {"host": {"says": "Issuer", "kind": "url"}}
    fields = {"issuer": "{host}", "client_id": "x", "placeholders": placeholders}
    good = provider_from_mapping("iam", {**fields, "set": {"host": "https://a.example/x/"}})
    assert good.issuer == "https://a.example/x/"
    with pytest.raises(ConfigurationError, match="The host of provider 'iam' must be an address"):
        provider_from_mapping("iam", {**fields, "set": {"host": url}})


def test_a_host_is_written_as_browsers_write_it():
    assert (
        made(set={"host": "GIT.Bücher.example:443"}).issuer == "https://git.xn--bcher-kva.example"
    )


@pytest.mark.parametrize("wrong", [{"hots": "a"}, {"host": 5}, "host=a"])
def test_what_is_set_must_be_declared(wrong):
    with pytest.raises(ConfigurationError, match="set"):
        made(set=wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"Host": {"says": "x"}},
        {"token": {"says": "x"}},
        {"host": {"says": "x", "kind": "path"}},
        {"host": {}},
        {"host": "x"},
        "host",
    ],
)
def test_a_placeholder_is_declared_in_full(wrong):
    with pytest.raises(ConfigurationError, match="placeholders"):
        made(placeholders=wrong)


# -- what is not set -----------------------------------------------------------------------------


def test_what_is_open_is_asked_for_in_one_sentence():
    with pytest.raises(Incomplete) as caught:
        provider_from_mapping("git", OPEN)
    assert caught.value.message == "Git needs to know: Host of your Git, Realm."
    assert "auth login git --set host=HOST --set realm=REALM" in caught.value.hint
    assert caught.value.outline.unset == ("host", "realm")


def test_of_an_incomplete_provider_there_is_an_outline_and_no_address():
    with pytest.raises(Incomplete) as caught:
        provider_from_mapping("git", {**OPEN, "client_id": None})
    info = caught.value.outline.info()
    assert info.missing == ("set.host", "set.realm", "client_id")
    assert info.title == "Git"
    assert info.placeholders["host"].says == "Host of your Git"
    assert (info.host, info.base_url, info.api_origins, info.register) == ("", None, (), None)
    assert "invalid" not in str(info)


@pytest.fixture
def providers(monkeypatch, user_file):
    """With a preset ``opengit`` with open placeholders, and ``git`` with defaults."""
    known = {"opengit": {**OPEN, "client_id": None}, "git": {**GIT, "client_id": None}}
    for module in ("definitions", "layers", "registry"):
        monkeypatch.setattr(f"jupyter_auth.core.provider.{module}.PRESETS", known)
    environ = {"JUPYTER_AUTH_GIT_CLIENT_ID": "x", "JUPYTER_AUTH_GIT_CLIENT_SECRET": "s3cret"}
    return Providers(user_file=user_file, environ=environ)


SET = {"host": "git.acme.example", "realm": "r"}


def test_an_incomplete_preset_is_known_but_not_listed(providers):
    assert providers.info("opengit").missing == ("set.host", "set.realm", "client_id")
    assert "opengit" not in {each.name for each in providers.all()}
    with pytest.raises(Incomplete):
        providers.get("opengit")


def test_what_is_missing_is_added_once(providers):
    assert providers.save("opengit", {"set": SET}).missing == ("client_id",)
    providers.save("opengit", {"client_id": "mine"})
    assert providers.get("opengit").issuer == "https://git.acme.example"
    assert providers.get("opengit").client_id == "mine"


def test_a_mistyped_host_is_corrected_and_no_secret_follows(providers):
    providers.save("opengit", {"set": SET, "client_id": "mine", "client_secret": "s3cret"})
    info = providers.save("opengit", {"set": {"host": "git.acme.test"}})
    assert info.missing == ("client_secret",)
    there = providers.get("opengit")
    assert (there.issuer, there.client_secret) == ("https://git.acme.test", None)
    assert there.set["realm"] == "r"


def test_several_of_a_kind_go_by_other_names(providers):
    providers.save("work", {"preset": "git", "set": {"host": "git.acme.example"}})
    work = providers.outline("work")
    assert (work.title, work.issuer) == ("Git (work)", "https://git.acme.example")
    assert providers.info("work").missing == ("client_id",)
    assert providers.completable("work")
    providers.save("work", {"client_id": "x"})
    assert {"work"} <= {each.name for each in providers.all()}
    assert providers.get("git").issuer == "https://git.example"


def test_a_preset_that_is_not_there_is_named(providers):
    with pytest.raises(ConfigurationError, match=r"no preset 'gitt'. Did you mean git\?"):
        providers.save("work", {"preset": "gitt"})


def test_the_environments_secret_does_not_follow_to_another_host(providers, user_file):
    user_file.write_text('[git]\nset = { host = "evil.example" }\n')
    assert not providers.trusts("git")
    assert providers.get("git").client_secret is None
    user_file.write_text('[git]\nscopes = ["api"]\n')
    assert providers.get("git").client_secret is not None


def test_code_fills_in_a_preset():
    here = provider("gitlab", set={"host": "git.acme.example"}, client_id="mine", scopes=["api"])
    assert (here.name, here.issuer) == ("gitlab", "https://git.acme.example")
    assert (here.client_id, here.scopes) == ("mine", ("api",))
    work = provider("work", preset="gitlab", set={"host": "git.acme.example"})
    assert (work.name, work.title) == ("work", "GitLab (work)")
    assert work.base_url == "https://git.acme.example/api/v4/"


def test_or_says_what_is_wrong():
    with pytest.raises(ConfigurationError, match=r"unknown key 'hots'. Did you mean host"):
        provider("gitlab", set={"hots": "git.acme.example"})
    with pytest.raises(ConfigurationError, match=r"set.* must be"):
        provider("gitlab", set="git.acme.example")
    with pytest.raises(ConfigurationError, match=r"The host .* must be a host name"):
        provider("gitlab", set={"host": "acme.example@evil.example"})
    with pytest.raises(ConfigurationError, match="no preset"):
        provider("work", preset=["gitlab"])


def test_code_leaves_a_secret_where_it_belongs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr("platformdirs.user_config_path", lambda name: tmp_path / name)
    own = Providers(user_file=tmp_path / "jupyter_auth" / "providers.toml")
    own.save("gitlab", {"client_id": "mine", "client_secret": "s3cret"})
    assert provider("gitlab").client_secret == Secret("s3cret")
    assert provider("gitlab", set={"host": "evil.example"}).client_secret is None


def test_what_an_administrator_left_open_is_theirs_to_say():
    with pytest.raises(Incomplete, match="to know: Host of your Git, Realm") as caught:
        Providers({"git": OPEN})
    assert caught.value.hint == """Add "set": {"host": "HOST", "realm": "REALM"} to 'git'."""
    advised = {"set": {"host": "HOST", "realm": "REALM"}}
    assert Providers({"git": {**OPEN, **advised}}).get("git").issuer == "https://host"


def test_a_secret_for_one_preset_is_not_for_another_under_its_name(tmp_path):
    names = {"ID": "mine", "SECRET": "github-s3cret"}
    environ = {f"JUPYTER_AUTH_GITHUB_CLIENT_{each}": value for each, value in names.items()}
    providers = Providers(user_file=tmp_path / "providers.toml", environ=environ)
    assert providers.get("github").client_secret == Secret("github-s3cret")
    providers.save("github", {"preset": "gitlab", "client_id": "mine"})
    assert providers.get("github").issuer == "https://gitlab.com"
    assert providers.get("github").client_secret is None
