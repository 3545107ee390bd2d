"""A ``providers.toml`` that somebody else could have written says nothing (SECURITY 15)."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from jupyter_auth.core.common import private_files
from jupyter_auth.core.doctor.storage_checks import providers_file
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.provider.registry import Providers
from security.another_user import CAN_BE, NOBODY

if TYPE_CHECKING:
    from pathlib import Path

TABLE = '[acme]\nissuer = "https://login.acme.example"\nclient_id = "mine"\n'


@pytest.fixture
def file(tmp_path):
    place = tmp_path / "config" / "jupyter_auth"
    place.mkdir(mode=0o700, parents=True)
    found = place / "providers.toml"
    found.write_text(TABLE)
    found.chmod(0o644)
    return found


def linked(file: Path) -> Path:
    """The file moved to where a link leads from its place."""
    target = file.parents[2] / "dotfiles" / "mine.toml"
    target.parent.mkdir()
    target.parent.chmod(0o755)
    file.rename(target)
    file.symlink_to(target)
    return target


def given_away(path: Path) -> None:
    os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def a_group_writes(path: Path) -> None:
    os.chown(path, -1, NOBODY)
    path.chmod(0o775)


LOOSE = {
    "everybody writes it": lambda file: file.chmod(0o646),
    "everybody writes its directory": lambda file: file.parent.chmod(0o757),
    "everybody writes what it links to": lambda file: linked(file).chmod(0o646),
    "everybody writes where it links to": lambda file: linked(file).parent.chmod(0o757),
}
FOREIGN = {}
if CAN_BE:
    LOOSE |= {
        "a group writes it": a_group_writes,
        "a group writes its directory": lambda file: a_group_writes(file.parent),
    }
    FOREIGN |= {
        "it is theirs": given_away,
        "its directory is theirs": lambda file: given_away(file.parent),
        "the link is theirs": lambda file: (linked(file), given_away(file)),
        "what it links to is theirs": lambda file: given_away(linked(file)),
    }


def refused(file: Path) -> ConfigurationError:
    """Everything that would believe it says why not."""
    providers = Providers(user_file=file)
    with pytest.raises(ConfigurationError) as caught:
        providers.get("acme")
    assert "acme" not in {info.name for info in providers.all()}
    with pytest.raises(ConfigurationError, match=re.escape(caught.value.message)):
        providers.save("other", {"issuer": "https://x.example", "client_id": "x"})
    told = [each for each in providers_file(providers) if each.state == "wrong"]
    assert [(each.says, each.fix) for each in told] == [(caught.value.message, caught.value.hint)]
    return caught.value


@pytest.mark.parametrize("how", LOOSE | FOREIGN)
def test_it_is_refused_and_the_remedy_works(file, how):
    (LOOSE | FOREIGN)[how](file)
    error = refused(file)
    assert error.message.startswith("Others on this machine can change" if how in LOOSE else "/")
    command = error.hint.partition(": ")[2]
    assert command.split()[0] == ("chmod" if how in LOOSE else "chown")
    subprocess.run(command, shell=True, check=True)  # noqa: S602 (as a person does)
    assert Providers(user_file=file).get("acme").client_id == "mine"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o444])
def test_what_others_can_read_is_believed(file, mode):
    file.chmod(mode)
    assert Providers(user_file=file).get("acme").client_id == "mine"


def test_a_link_of_ones_own_is_believed(file):
    linked(file)
    assert Providers(user_file=file).get("acme").client_id == "mine"


def test_a_group_of_one_s_own_may_write(file, monkeypatch):
    """``umask 002``, where each user has a group: nobody else is in it."""
    import grp

    me = pwd.getpwuid(os.geteuid())
    file.parent.chmod(0o775)
    file.chmod(0o664)
    os.chown(file, -1, me.pw_gid)
    own = grp.struct_group((me.pw_name, "x", me.pw_gid, []))
    monkeypatch.setattr(grp, "getgrgid", lambda _: own)
    assert Providers(user_file=file).get("acme").client_id == "mine"
    others = {
        "somebody else is in it": grp.struct_group((me.pw_name, "x", me.pw_gid, ["mallory"])),
        "it is not this user's": grp.struct_group(("staff", "x", me.pw_gid, [])),
        "another group of that name": grp.struct_group((me.pw_name, "x", me.pw_gid + 1, [])),
    }
    for why, group in others.items():
        monkeypatch.setattr(grp, "getgrgid", lambda _, group=group: group)
        assert "can change" in refused(file).message, why


if CAN_BE:

    def test_a_group_that_nobody_knows_is_none(file):
        os.chown(file, -1, 54321)
        file.chmod(0o664)
        assert "can change" in refused(file).message


@pytest.mark.parametrize("what", ["a pipe", "a directory", "a flood"])
def test_what_is_no_file_holds_nobody_up(file, what):
    file.unlink()
    if what == "a pipe":
        os.mkfifo(file)
    elif what == "a directory":
        file.mkdir()
    else:
        file.write_text("#" * (private_files.MAX_BYTES + 1))
    assert "cannot be read" in refused(file).message
