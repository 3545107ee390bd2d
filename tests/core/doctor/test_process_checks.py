"""What ``doctor`` finds of a process and of the files that it keeps."""

from __future__ import annotations

import os
import sys

import pytest

from core.sign_in import sign_in, table
from jupyter_auth.core.doctor.process_checks import environment
from jupyter_auth.core.doctor.storage_checks import providers_file, store_directory
from jupyter_auth.core.engine import Engine
from jupyter_auth.core.provider.registry import Providers
from jupyter_auth.core.tokens.store import FileStore
from memory_store import MemoryStore


@pytest.fixture
def of_this_process(monkeypatch, tmp_path):
    """``of_this_process(NAME="value")``: the findings in that environment, by their subject."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "NETRC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))

    def look(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        found = list(environment())
        assert all(each.fix for each in found if each.state == "wrong")
        return {each.about: each for each in found}

    return look


def test_the_interpreter_is_named_by_its_path(of_this_process):
    found = of_this_process()
    assert sys.executable in found["Python"].says
    assert found["jupyter-auth-session"].says.startswith("0.")
    assert {each.state for each in found.values()} == {"ok"}
    assert found["Proxy"].says.startswith("None")
    assert found["netrc"].says == "None."


def test_a_proxy_is_named_without_its_password(of_this_process):
    proxy = of_this_process(HTTPS_PROXY="http://me:pass-4411@proxy.example:3128")["Proxy"]
    assert proxy.state == "note"
    assert "proxy.example:3128" in proxy.says
    assert "pass-4411" not in str(proxy)
    assert "NO_PROXY" in proxy.fix


def test_a_netrc_is_told_of(of_this_process, tmp_path):
    (tmp_path / ".netrc").write_text("default login x password pass-5522")
    netrc = of_this_process()["netrc"]
    assert str(tmp_path / ".netrc") in netrc.says
    assert "pass-5522" not in str(netrc)


def test_a_bundle_that_is_not_there_is_wrong(of_this_process, tmp_path):
    found = of_this_process(REQUESTS_CA_BUNDLE=str(tmp_path / "gone.pem"))["Certificates"]
    assert found.state == "wrong"
    assert "gone.pem" in found.says
    (tmp_path / "gone.pem").touch()
    assert of_this_process()["Certificates"].state == "ok"
    other = of_this_process(SSL_CERT_FILE=str(tmp_path / "lost.pem"))["Certificates"]
    assert (other.state, "SSL_CERT_FILE names" in other.says) == ("note", True)


def wrong(findings):
    found = [each for each in findings if each.state == "wrong"]
    assert all(each.fix for each in found)
    return found


def test_a_store_that_nobody_used_yet(tmp_path):
    (found,) = store_directory(FileStore(tmp_path / "store"))
    assert (found.state, str(tmp_path / "store") in found.says) == ("ok", True)


@pytest.fixture
def used(tmp_path, engines, rogue):
    store = FileStore(tmp_path / "store")
    sign_in(engines(store, idp=rogue), rogue)
    return store


def test_a_store_says_where_it_is_and_what_protects_it(used):
    (found,) = store_directory(used)
    assert found.state == "ok"
    assert str(used.directory) in found.says
    assert "not encrypted" in found.says


@pytest.mark.parametrize("what", [".", "accounts", "accounts/*.json"])
@pytest.mark.parametrize("mode", [0o750, 0o604])
def test_whatever_others_can_reach_is_wrong(used, what, mode):
    (path,) = used.directory.glob(what) if what != "." else [used.directory]
    path.chmod(mode | 0o700 if path.is_dir() else mode)
    (found,) = wrong(store_directory(used))
    assert f"{path} (0" in found.says
    os.system(found.fix)  # noqa: S605 (it is what we tell people to do)
    assert not wrong(store_directory(used))


def test_a_link_in_the_place_of_the_store_is_wrong(used, tmp_path):
    (tmp_path / "link").symlink_to(used.directory)
    (found,) = wrong(store_directory(FileStore(tmp_path / "link")))
    assert "is a link" in found.says


def test_accounts_in_memory_rest_in_no_file():
    (found,) = store_directory(MemoryStore())
    assert "Not stored in files" in found.says


def test_the_files_of_the_persons_own_providers(tmp_path):
    file = tmp_path / "config" / "providers.toml"
    providers = Providers(user_file=file)
    (found,) = providers_file(providers)
    assert "none yet" in found.says
    table = {"issuer": "https://a.example", "client_id": "x", "client_secret": "planted-88"}
    providers.save("acme", table)
    names, secrets = providers_file(providers)
    assert names.says == f"acme, in {file}"
    assert "client_secrets.json" in secrets.says
    assert "planted-88" not in str(secrets)
    file.with_name("client_secrets.json").chmod(0o644)
    (loose,) = wrong(providers_file(providers))
    assert "chmod" in loose.fix
    file.write_text("[broken")
    (broken,) = wrong(providers_file(providers))
    assert str(file) in broken.says


def test_where_nobody_has_providers_of_their_own_there_is_no_file(tmp_path):
    closed = Providers({}, user_file=tmp_path / "p.toml", allow_user_providers=False)
    assert not list(providers_file(closed))


def test_the_engine_reports_all_of_it(rogue, files):
    engine = Engine(Providers({"idp": table(rogue)}), files)
    about = {each.about for each in engine.examine()}
    assert about >= {"Python", "Proxy", "netrc", "Certificates", "Accounts"}
    assert {each.about for each in engine.examine("idp")} >= {"Client", "Metadata", "Clock"}
    engine.close()
