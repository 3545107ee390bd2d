"""Files that a real server keeps: fresh, whole, this user's alone, and gone in time."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import pytest
import requests

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.token_file import remove_token, write_token
from patience import PATIENCE, until
from server.jupyter_process import JupyterProcess
from server.token_files.keeping import Keeping, text

if TYPE_CHECKING:
    from pathlib import Path

    from providers.oidc import OidcProvider

TOKEN = Secret("a-token")


def _subject(oidc: OidcProvider, token: str) -> str:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(f"{oidc.issuer}/me", headers=headers, timeout=PATIENCE)
    return str(answer.json()["sub"])


def test_a_file_follows_who_is_signed_in(keeping: Keeping, oidc: OidcProvider) -> None:
    assert not keeping.access.exists()
    keeping.sign_in(oidc, "alice")
    of_alice = text(keeping.access)
    assert of_alice == keeping.kernel.token()["access_token"]  # alone: no newline
    assert _subject(oidc, of_alice) == "u-1001"
    assert keeping.access.stat().st_mode & 0o777 == 0o600
    assert keeping.id.parent.stat().st_mode & 0o777 == 0o700
    assert text(keeping.id) in oidc.secrets()["id_token"]

    keeping.sign_in(oidc, "bob")
    until(lambda: text(keeping.access) != of_alice)
    assert _subject(oidc, text(keeping.access)) == "u-1002"
    keeping.sign_out("idp")
    until(lambda: not keeping.access.exists() and not keeping.id.exists())
    assert of_alice not in keeping.server.log


def test_a_reader_never_sees_half_of_it_nor_one_that_expired(
    keeping: Keeping, oidc: OidcProvider
) -> None:
    oidc.ttl(AccessToken=4, IdToken=600)
    keeping.sign_in(oidc, "alice")
    seen: dict[str, tuple[float, float]] = {}  # first and last seen
    enough = threading.Event()
    text(keeping.access)

    def read() -> None:
        while not enough.is_set():
            content, now = keeping.access.read_text(), time.monotonic()
            seen[content] = (seen.get(content, (now, now))[0], now)

    reader = threading.Thread(target=read)
    reader.start()
    until(lambda: len(seen) == 3)
    enough.set()
    reader.join()
    assert seen.keys() <= set(oidc.secrets()["access_token"])
    assert all(last - first < 4 for first, last in seen.values())
    assert oidc.reuse_count == 0


def test_a_provider_that_is_away_leaves_it_until_it_expires(
    keeping: Keeping, fickle: OidcProvider
) -> None:
    fickle.ttl(AccessToken=4)
    keeping.sign_in(fickle, "alice", "fickle")
    written = text(keeping.fickle)
    ends = keeping.kernel.token("fickle")["expires_at"]
    fickle.stop()
    until(lambda: not keeping.fickle.exists() or time.time() > ends - 0.5)
    assert time.time() > ends - 0.5 or keeping.fickle.read_text() == written
    until(lambda: not keeping.fickle.exists())
    assert time.time() >= ends


def test_it_ends_with_the_server_and_one_that_was_killed_leaves_none_for_long(
    tmp_path: Path, oidc: OidcProvider
) -> None:
    table = {"issuer": oidc.issuer, "client_id": oidc.client_id, "scopes": ["openid"]}
    home = tmp_path / "home"
    files = {"idp": str(tmp_path / "tokens/access"), "other": str(tmp_path / "tokens/left")}
    server = JupyterProcess(home, providers={"idp": table, "other": table}, token_files=files)
    write_token(tmp_path / "tokens/left", TOKEN)  # as a server that was killed leaves it
    with server:
        keeping = Keeping(server)
        keeping.sign_in(oidc, "alice")
        text(tmp_path / "tokens/access")
        until(lambda: not (tmp_path / "tokens/left").exists())
    assert list((tmp_path / "tokens").iterdir()) == []


def test_who_signed_in_has_not_agreed_to_a_file(tmp_path: Path, oidc: OidcProvider) -> None:
    """Where notebooks ask for a person's consent, so do programs."""
    table = {"issuer": oidc.issuer, "client_id": oidc.client_id, "scopes": ["openid"]}
    path = tmp_path / "tokens/access"
    server = JupyterProcess(
        tmp_path / "home", providers={"idp": table}, token_files={"idp": str(path)}, consent=True
    )
    with server:
        Keeping(server).sign_in(oidc, "alice")
        server.wait_for_log(f"{path} is not kept fresh. ")
        assert not path.exists()


# -- the file itself -------------------------------------------------------------------------------


def test_it_is_written_where_this_user_alone_reads(tmp_path: Path) -> None:
    path = tmp_path / "own" / "token"
    write_token(path, TOKEN)
    assert path.read_bytes() == b"a-token"
    assert [path.parent.stat().st_mode & 0o777, path.stat().st_mode & 0o777] == [0o700, 0o600]
    path.parent.chmod(0o755)
    with pytest.raises(ConfigurationError, match="others have access to it"):
        write_token(path, TOKEN)
    assert path.parent.stat().st_mode & 0o777 == 0o755, "a home, say, stays as it is"


def test_no_link_is_followed(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    (own / "link").symlink_to(own / "elsewhere")
    with pytest.raises(ConfigurationError, match="something else is there"):
        write_token(own / "link", TOKEN)
    assert not (own / "elsewhere").exists()
    (tmp_path / "directory").symlink_to(own)
    with pytest.raises(ConfigurationError, match="not a directory"):
        write_token(tmp_path / "directory" / "token", TOKEN)


def test_nothing_but_a_token_is_replaced_or_removed(tmp_path: Path) -> None:
    path = tmp_path / "own" / "notes"
    write_token(path, TOKEN)
    path.write_text("two words")
    with pytest.raises(ConfigurationError, match="something else is there"):
        write_token(path, TOKEN)
    remove_token(path)
    assert path.read_text() == "two words"
    path.write_text("of-htgettoken\n")
    path.chmod(0o600)
    write_token(path, TOKEN)
    remove_token(path)
    assert not path.exists()
