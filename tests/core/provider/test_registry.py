"""Which configuration of a name counts, and what a wrong one is told (DESIGN 8)."""

from __future__ import annotations

import pytest

from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from jupyter_auth.core.provider.info import configured_names
from jupyter_auth.core.provider.presets import PRESETS
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.core.provider.registry import Providers, provider_from_mapping

TABLE = {"issuer": "https://idp.example.com", "client_id": "x"}


def table(client_id: str) -> dict[str, str]:
    return TABLE | {"client_id": client_id}


# -- precedence ----------------------------------------------------------------------------------


def test_the_administrator_goes_before_the_file(user_file):
    providers = Providers(user_file=user_file)
    assert providers.get("idp").client_id == "user"
    assert providers.info("idp").source == "user"
    providers = Providers({"idp": table("admin")}, user_file=user_file)
    assert providers.get("idp").client_id == "admin"
    assert providers.info("idp").source == "configured"


def test_the_file_goes_before_the_presets(user_file):
    user_file.write_text('[github]\nclient_id = "mine"\n')
    github = Providers(user_file=user_file).get("github")
    assert github.client_id == "mine"
    assert github.base_url == "https://api.github.com/"


def test_code_never_replaces_the_administrators():
    providers = Providers({"idp": table("admin")})
    with pytest.raises(ConfigurationError, match="administrator"):
        providers.register(Provider(name="idp", **table("evil")))
    assert providers.get("idp").client_id == "admin"
    same = Provider(name="idp", **table("admin"))
    assert providers.register(same).source == "configured"


def test_where_users_may_not_there_is_only_the_administrators(user_file):
    closed = Providers({"idp": TABLE}, user_file=user_file, allow_user_providers=False)
    assert [info.name for info in closed.all()] == ["idp"]
    assert closed.get("idp").client_id == "x"
    for name in ("github", "other"):
        with pytest.raises(ProviderNotFound):
            closed.get(name)
    with pytest.raises(ConfigurationError, match="administrator"):
        closed.register(Provider(name="mine", **TABLE))


def test_nothing_takes_the_place_of_what_the_administrator_configured_wrongly(user_file):
    reason = ConfigurationError("Provider 'idp' is odd.", hint="Correct it.")
    providers = Providers(
        {"idp": reason, "github": reason, "Bad Name": reason}, user_file=user_file
    )
    for name in ("idp", "github", "Bad Name"):
        for call in (providers.get, providers.info, providers.service):
            with pytest.raises(ConfigurationError, match=r"is odd\. Correct it\.") as caught:
                call(name)
            assert caught.value is not reason  # each who is told has a traceback of their own
    with pytest.raises(ConfigurationError, match="administrator"):
        providers.register(Provider(name="idp", **table("code")))
    with pytest.raises(ConfigurationError, match="administrator"):
        providers.save("idp", TABLE)
    listed = {info.name: info.source for info in providers.all() if info.source != "preset"}
    assert listed == {"idp": "broken", "github": "broken"}


def added(providers):
    """Those that somebody added; a preset with a public client ID is always there."""
    return [(info.name, info.source) for info in providers.all() if info.source != "preset"]


def test_the_list_holds_only_what_somebody_could_sign_in_at(user_file):
    assert "github" not in {info.name for info in Providers().all()}
    providers = Providers({"github": {"client_id": "x"}}, user_file=user_file)
    assert added(providers) == [("github", "configured"), ("idp", "user")]


@pytest.mark.parametrize("other", [{}, {"other": TABLE}, {"other": ConfigurationError("Odd.")}])
def test_presets_are_not_configured(other):
    assert configured_names(Providers().all()) == []
    assert configured_names(Providers({"idp": TABLE, **other}).all()) == ["idp", *other]


# -- what is listed, and in which order ----------------------------------------------------------


def test_ones_own_come_first_and_vendors_last(user_file):
    providers = Providers({"work": TABLE}, user_file=user_file)
    assert [each.name for each in providers.all()][:2] == ["idp", "work"]
    listed = providers.all(unregistered=True)
    order = {each.name: number for number, each in enumerate(listed)}
    assert order["idp"] < order["copernicus"] < order["github"] < order["4insight"]
    assert order["gitlab"] < order["bitfount"] < order["insiders"]
    known = {each.name: each for each in listed}
    assert known.keys() == {"idp", "work", *PRESETS}
    assert known["github"].needs_registration
    assert not known["copernicus"].needs_registration
    assert known["gitlab"].host == "gitlab.com"
    providers.save("github", {"client_id": "mine"})
    assert [each.name for each in providers.all()][:3] == ["github", "idp", "work"]


def test_a_name_that_is_none_is_told_those_that_are_listed_first(user_file):
    with pytest.raises(ProviderNotFound) as caught:
        Providers({"work": TABLE}, user_file=user_file).get("qqqqq")
    assert caught.value.hint.startswith("Known are: work, idp, arcgis, ")
    assert "4insight" not in caught.value.hint


def test_what_nobody_can_complete_is_not_listed():
    assert "github" not in {each.name for each in Providers().all(unregistered=True)}


# -- presets -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["github", "google", "microsoft", "4insight", "insideview"])
def test_a_client_id_completes_a_preset(name):
    made = provider_from_mapping(name, {"client_id": "x", "title": "Ours"})
    assert made.client_id == "x"
    assert made.title == "Ours"
    assert made.address.startswith("https://")


def test_an_address_of_its_own_makes_it_another():
    made = provider_from_mapping("github", TABLE)
    assert made.endpoints is None
    assert made.scopes == ()


# -- what is wrong is named ----------------------------------------------------------------------


def test_a_name_not_known_gets_those_near_it():
    providers = Providers({"corporate": TABLE})
    with pytest.raises(ProviderNotFound) as caught:
        providers.get("corprate")
    assert "corporate" in caught.value.hint
    with pytest.raises(ProviderNotFound) as caught:
        providers.get("zzz")
    assert "corporate" in caught.value.hint
    assert "github" in caught.value.hint


@pytest.mark.parametrize("name", ["", "x" * 100_000, "../../etc/passwd", "a\x00", "\ud800"])
def test_no_name_is_too_strange_to_be_unknown(name):
    with pytest.raises(ProviderNotFound) as caught:
        Providers().get(name)
    assert len(str(caught.value)) < 300


def test_an_unknown_field_is_named_with_one_near_it():
    with pytest.raises(ConfigurationError) as caught:
        provider_from_mapping("idp", TABLE | {"client_idd": "x"})
    assert "client_idd" in caught.value.message
    assert "client_id?" in caught.value.hint


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": 5},
        {"client_secret": ["planted-secret-5c0ffee"]},
        {"scopes": 5},
        {"scopes": [5]},
        {"api_origins": {"a": 1}},
        {"refresh_on": 401},
        {"refresh_on": ["401"]},
        {"leeway": "soon"},
        {"revoke": "no"},
        {"authorize_params": "x=y"},
        {"authorize_params": {"x": 5}},
        {"token_params": {"x": ["planted-secret-5c0ffee"]}},
        {"header": "Authorization"},
        {"header": {"naem": "x"}},
        {"header": {"name": 5}},
        {"endpoints": {"token_endpiont": "https://idp.example.com"}},
        {"endpoints": {"token_endpoint": 5}},
        {"endpoints": []},
        {"client_auth": "header"},
        {"param_names": {"client_id": 5}},
        {"token_response": ["access_token"]},
        {"expires_format": "%c"},
        {"expires_format": "%H:%M"},
        {"api_headers": {"Accept": None}},
        {"service": {"client_secrte": "planted-secret-5c0ffee"}},
        {"service": {"client_secret": 5}},
        {"service": {"scopes": 5}},
        {"service": {"token_endpoint": 5}},
        {"service": {"token_endpoint": "http://idp.example.com/token"}},
        {"service": {"token_params": {"client_secret": "planted-secret-5c0ffee"}}},
        {"credentials_from": {"package": "x"}},
    ],
    ids=str,
)
def test_a_field_of_a_wrong_kind_is_a_configuration_error(wrong):
    with pytest.raises(ConfigurationError) as caught:
        provider_from_mapping("idp", TABLE | wrong)
    assert "idp" in caught.value.message
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize("table", [None, [], "https://idp.example.com", 5])
def test_what_is_no_table_is_a_configuration_error(table):
    with pytest.raises(ConfigurationError, match="not a table"):
        Providers({"idp": table})


# -- a broken file -------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"[idp", b"\xff\xfe", b"x = 1\nx = 2"])
def test_a_broken_file_harms_only_what_it_holds(user_file, content):
    user_file.write_bytes(content)
    providers = Providers({"ours": TABLE}, user_file=user_file)
    assert providers.get("ours").client_id == "x"
    assert added(providers) == [("ours", "configured")]
    assert configured_names(providers.all()) == ["ours"]
    with pytest.raises(ConfigurationError, match=r"providers\.toml cannot be read"):
        providers.get("idp")


def test_a_broken_entry_harms_only_itself(user_file):
    user_file.write_text(
        'good = { issuer = "https://idp.example.com", client_id = "x" }\n'
        'bad = { issuer = "http://idp.example.com", client_id = "x" }\nworse = 5\n'
    )
    providers = Providers(user_file=user_file)
    assert added(providers) == [("good", "user")]
    for name in ("bad", "worse"):
        with pytest.raises(ConfigurationError):
            providers.get(name)


def test_a_file_that_changes_is_read_again(user_file):
    providers = Providers(user_file=user_file)
    assert providers.get("idp").client_id == "user"
    user_file.write_text(user_file.read_text().replace('"user"', '"somebody"'))
    assert providers.get("idp").client_id == "somebody"
    user_file.unlink()
    with pytest.raises(ProviderNotFound):
        providers.get("idp")
