"""Providers that a person writes down: the file, and the secrets beside it."""

from __future__ import annotations

import json
import stat
import threading
import tomllib
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.errors import ConfigurationError, ProviderNotFound
from jupyter_auth.core.provider import user_providers
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.secret import Secret

ACME = {"issuer": "https://login.acme.example", "client_id": "mine"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "config" / "providers.toml"


@pytest.fixture
def providers(file):
    return Providers(user_file=file)


def mode(path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_is_added_is_there_for_the_next_process(providers, file):
    fields = ACME | {"scopes": ["openid", "ä"], "authorize_params": {"a b": 'c"d'}, "leeway": 5.5}
    info = providers.save("acme", fields)
    assert (info.name, info.source) == ("acme", "user")
    assert Providers(user_file=file).get("acme") == providers.get("acme")
    assert providers.get("acme").authorize_params == {"a b": 'c"d'}
    assert tomllib.loads(file.read_text())["acme"] == fields


def test_what_was_in_the_file_stays_to_the_letter(providers, file):
    file.parent.mkdir()
    before = '# mine\n[other]\nissuer = "https://other.example" # theirs\nclient_id = "x"\n'
    file.write_text(before)
    providers.save("acme", ACME)
    assert file.read_text().startswith(before)
    assert {"acme", "other"} <= {info.name for info in providers.all()}


def test_a_link_into_dotfiles_stays_a_link(providers, file, tmp_path):
    file.parent.mkdir()
    (tmp_path / "dotfiles.toml").write_text("# mine\n")
    file.symlink_to(tmp_path / "dotfiles.toml")
    providers.save("acme", ACME)
    assert file.is_symlink()
    assert "acme" in tomllib.loads((tmp_path / "dotfiles.toml").read_text())


def test_the_secret_rests_beside_it_for_this_user_alone(providers, file):
    providers.save("acme", ACME | {"client_secret": Secret("s3cret")})
    secrets = file.with_name("client_secrets.json")
    assert "s3cret" not in file.read_text()
    assert "s3cret" in secrets.read_text()
    assert mode(secrets) == 0o600
    assert mode(file.parent) == 0o700
    acme = Providers(user_file=file).get("acme")
    assert acme.client_secret == Secret("s3cret")
    assert acme.client_auth == "auto"


def test_a_preset_takes_its_client_id_and_secret(providers):
    providers.save("github", {"client_id": "mine", "client_secret": "s"})
    github = providers.get("github")
    assert github.base_url == "https://api.github.com/"
    assert (github.client_id, github.client_secret) == ("mine", Secret("s"))
    assert github.client_auth == "post"


def test_a_secret_alone_completes_what_is_written_down(providers, file):
    providers.save("acme", ACME)
    before = file.read_text()
    providers.save("acme", {"client_secret": "late"})
    assert providers.get("acme").client_secret == Secret("late")
    providers.save("acme", ACME | {"client_secret": "later"})
    assert providers.get("acme").client_secret == Secret("later")
    assert file.read_text() == before


def test_a_secret_answers_only_to_the_configuration_it_was_given_for(providers, file):
    providers.save("acme", ACME | {"client_secret": "s3cret"})
    file.write_text(file.read_text().replace("login.acme", "evil.acme"))
    assert providers.get("acme").client_secret is None


def test_a_secret_never_completes_what_somebody_else_configured(providers, file):
    providers.save("acme", ACME | {"client_secret": "s3cret"})
    assert Providers({"acme": ACME}, user_file=file).get("acme").client_secret is None


@pytest.mark.parametrize("mode", [0o660, 0o604])
def test_secrets_that_others_can_read_are_refused(providers, file, mode):
    providers.save("acme", ACME | {"client_secret": "s3cret"})
    secrets = file.with_name("client_secrets.json")
    secrets.chmod(mode)
    with pytest.raises(ConfigurationError, match=r"chmod (600|g-wx,o=) /"):
        providers.get("acme")
    assert "acme" in {info.name for info in providers.all()}


@pytest.mark.parametrize("content", ["", "[]", "{", "\x00"])
def test_damaged_secrets_are_named_and_never_overwritten(providers, file, content):
    providers.save("acme", ACME)
    secrets = file.with_name("client_secrets.json")
    secrets.touch(0o600)
    secrets.write_text(content)
    for call in (providers.get, lambda name: providers.save(name, {"client_secret": "new"})):
        with pytest.raises(ConfigurationError, match=r"client_secrets.json cannot be read"):
            call("acme")
    assert secrets.read_text() == content


@pytest.mark.parametrize("entry", [5, {}, {"fingerprint": None}, None])
def test_a_damaged_entry_is_nobodys_secret(providers, file, entry):
    providers.save("acme", ACME)
    secrets = file.with_name("client_secrets.json")
    secrets.touch(0o600)
    secrets.write_text(json.dumps({"acme": entry, "other": 1}))
    assert providers.get("acme").client_secret is None
    providers.save("acme", {"client_secret": "new"})
    assert providers.get("acme").client_secret == Secret("new")
    assert json.loads(secrets.read_text())["other"] == 1


def test_a_wrong_client_id_is_corrected_and_the_rest_stays(providers, file):
    providers.save("acme", ACME | {"scopes": ["openid"]})
    assert providers.save("acme", {"client_id": "right"}).missing == ()
    acme = providers.get("acme")
    assert (acme.issuer, acme.client_id, acme.scopes) == (ACME["issuer"], "right", ("openid",))
    one, other = "https://a.example/token", "https://a.example/authorize"
    providers.save("acme", {"title": "Acme", "endpoints": {"token_endpoint": one}})
    providers.save("acme", {"endpoints": {"authorization_endpoint": other}})
    assert {*tomllib.loads(file.read_text())["acme"]["endpoints"].values()} == {one, other}


def test_a_new_client_id_inherits_no_secret(providers, file):
    providers.save("acme", ACME | {"client_secret": "s3cret"})
    assert providers.save("acme", ACME).missing == ()  # which changes nothing
    assert providers.save("acme", {"client_id": "right"}).missing == ("client_secret",)
    assert providers.get("acme").client_secret is None
    assert "s3cret" not in file.with_name("client_secrets.json").read_text()
    file.write_text(file.read_text() + 'client_secret = "by hand"\n')
    providers.save("acme", {"client_id": "other"})
    assert "by hand" not in file.read_text()


@pytest.mark.parametrize("place", ["", "[acme.service]\n"])
def test_a_secret_in_the_table_itself_does_not_follow_a_change(providers, file, place):
    providers.save("acme", {"preset": "gitlab", "client_id": "x", "client_auth": "basic"})
    file.write_text(f'{file.read_text()}{place}client_secret = "by hand"\n')
    before = file.read_text()
    for moved in ({"set": {"host": "evil.example"}}, {"issuer": "https://evil.example"}):
        with pytest.raises(ConfigurationError, match="client secret in it") as refused:
            providers.save("acme", moved)
        assert "by hand" not in f"{refused.value}{refused.value.hint}"
    assert file.read_text() == before
    providers.save("acme", {"title": "Acme"})
    assert file.read_text().count("by hand") == 1
    providers.save("acme", {"issuer": "https://new.example"}, replace=True)
    assert "by hand" not in file.read_text()


def test_a_secret_that_is_given_replaces_one_in_the_table(providers, file):
    providers.save("acme", ACME)
    file.write_text(f'{file.read_text()}client_secret = "by hand"\n')
    providers.save("acme", {"client_secret": "given"})
    assert providers.get("acme").client_secret == Secret("given")


def test_it_can_be_configured_anew(providers, file):
    providers.save("acme", ACME | {"scopes": ["openid"], "throttle": {"limit": 5}})
    providers.save("other", ACME)
    anew = {"issuer": "https://new.example", "client_id": "x"}
    providers.save("acme", anew, replace=True)
    assert tomllib.loads(file.read_text()) == {"acme": anew, "other": ACME}


@pytest.mark.parametrize("changed", [{"issuer": "https://evil.example"}, {"client_auth": "query"}])
def test_a_secret_does_not_follow_a_change(providers, changed):
    """SECURITY 15: a kernel may write providers down, not send the secret of one elsewhere."""
    providers.save("acme", ACME | {"client_secret": "s3cret"})
    before = providers.get("acme").fingerprint
    assert providers.save("acme", changed).missing == ("client_secret",)
    assert providers.get("acme").client_secret is None
    assert providers.get("acme").fingerprint != before  # to which its accounts are bound
    providers.save("acme", ACME | {"client_secret": "new"}, replace=True)
    assert providers.get("acme").client_secret == Secret("new")


def test_nothing_is_written_of_what_cannot_work(providers, file):
    for name, fields in (("Acme", ACME), ("acme", {"issuer": "http://x.example"}), ("acme", {})):
        with pytest.raises(ConfigurationError):
            providers.save(name, fields | {"client_secret": "s3cret"})
    assert not file.exists()
    assert not file.with_name("client_secrets.json").exists()


def test_nobody_adds_what_the_administrator_keeps(file):
    closed = Providers({"idp": ACME}, user_file=file, allow_user_providers=False)
    with pytest.raises(ConfigurationError, match="Only the providers"):
        closed.save("acme", ACME)
    with pytest.raises(ConfigurationError, match="administrator has already configured 'idp'"):
        Providers({"idp": ACME}, user_file=file).save("idp", ACME)
    with pytest.raises(ConfigurationError, match="no file for your own providers here"):
        Providers({"idp": ACME}).save("acme", ACME)
    with pytest.raises(ProviderNotFound):
        Providers(user_file=file).get("acme")


def test_a_file_that_is_broken_is_left_alone(providers, file):
    file.parent.mkdir()
    file.write_text("[acme\n")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        providers.save("acme", ACME)
    assert file.read_text() == "[acme\n"


def test_a_directory_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "config").write_text("a file where a directory should be")
    providers = Providers(user_file=tmp_path / "config" / "providers.toml")
    with pytest.raises(ConfigurationError, match="config"):
        providers.save("acme", ACME)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
values = st.one_of(
    texts, st.booleans(), st.integers(-(2**53), 2**53), st.lists(texts, max_size=3),
    st.floats(allow_nan=False, allow_infinity=False), st.dictionaries(texts, texts, max_size=3),
)  # fmt: skip


@given(name=texts, fields=st.dictionaries(texts, values, max_size=4))
def test_whatever_is_written_is_read_back_the_same(tmp_path_factory, name, fields):
    file = tmp_path_factory.mktemp("config") / "providers.toml"
    user_providers.write_table(file, "first", {"a": "b"})
    user_providers.write_table(file, name or "other", fields)
    assert tomllib.loads(file.read_text(encoding="utf-8"))[name or "other"] == fields


INSIDERS = """# mine
[other]
issuer = "https://other.example" # theirs

[insiders]  # at work
client_id = "ams"
grants = [
  "authorization_code", # first
  "password",
]
ca_bundle = "ca.pem"

[insiders.throttle]
limit = 5
"""


def test_the_grants_are_changed_later_and_all_else_stays(providers, file):
    file.parent.mkdir()
    file.write_text(INSIDERS)
    providers.save("insiders", {"grants": ["password"]})
    assert providers.get("insiders").grants == ("password",)
    before, after = tomllib.loads(INSIDERS), tomllib.loads(file.read_text())
    before["insiders"]["grants"] = ["password"]
    assert after == before
    assert "# mine" in file.read_text()
    assert 'issuer = "https://other.example" # theirs\n' in file.read_text()
    providers.save("insiders", {"grants": ["authorization_code"]})
    assert providers.get("insiders").grants == ("authorization_code",)


def test_the_grants_are_written_first_and_the_registration_later(providers):
    providers.save("insiders", {"grants": ["password"]})
    assert providers.completable("insiders")
    providers.save("insiders", {"client_id": "ams", "client_secret": "s"})
    insiders = providers.get("insiders")
    assert (insiders.client_id, insiders.client_secret) == ("ams", Secret("s"))
    assert insiders.grants == ("password",)


OUT_OF_ORDER = '[acme.throttle]\nlimit = 5\n[other]\nx = 1\n[acme.service]\nclient_id = "x"\n'


def test_it_is_configured_anew_whatever_the_order_of_its_tables(providers, file):
    file.parent.mkdir()
    file.write_text(OUT_OF_ORDER)
    providers.save("acme", ACME, replace=True)
    assert tomllib.loads(file.read_text()) == {"acme": ACME, "other": {"x": 1}}


@pytest.mark.parametrize(
    "text",
    ['insiders = { client_id = "ams" } # mine\n', '[ insiders ] # mine\nclient_id = "ams"\n'],
)
def test_a_table_in_another_spelling_keeps_it(providers, file, text):
    file.parent.mkdir()
    file.write_text(text)
    providers.save("insiders", {"grants": ["password"]})
    assert tomllib.loads(file.read_text())["insiders"] == {
        "client_id": "ams",
        "grants": ["password"],
    }
    assert "# mine" in file.read_text()


def test_a_grant_is_preferred_where_a_person_may_say_so(providers, file):
    providers.save("insiders", {"client_id": "ams"})
    providers.prefer("insiders", "password")
    assert providers.get("insiders").grants == ("password", "authorization_code")
    providers.prefer("insiders", "authorization_code")
    assert providers.get("insiders").grants == ("authorization_code", "password")
    before = file.read_text()
    providers.prefer("insiders", "device_code")  # which it does not have
    Providers({"insiders": {"client_id": "a"}}, user_file=file).prefer("insiders", "password")
    assert file.read_text() == before


def test_what_several_programs_add_at_once_is_all_there(file):
    names = [f"acme-{number}" for number in range(8)]
    together = threading.Barrier(len(names))

    def add(name: str) -> None:
        together.wait()
        Providers(user_file=file).save(name, ACME | {"client_secret": Secret(name)})

    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(add, names))
    saved = Providers(user_file=file)
    assert [saved.get(name).client_secret for name in names] == [*map(Secret, names)]


def test_two_apis_of_one_host_found_at_once_are_two_providers(file):
    together = threading.Barrier(2)

    def keep(path: str) -> str:
        found = {"issuer": "https://login.example", "found_at": f"https://acme.example/{path}"}
        providers = Providers(user_file=file)
        together.wait()
        return providers.keep_found(found, ["acme.example", f"acme.example-{path}"]).found_at

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(keep, "ab")) == [f"https://acme.example/{path}" for path in "ab"]
    assert {*tomllib.loads(file.read_text())} in (
        {"acme.example", "acme.example-a"},
        {"acme.example", "acme.example-b"},
    )
