"""The connection file: a client refuses what is not its own user's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyter_auth.core.errors import (
    BrokerUnavailable,
)
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from kernel.broker_socket import KEY, written
from kernel.traceback_locals import local_variables

# Refused connection files


def refusal(path):
    with pytest.raises(BrokerUnavailable) as caught:
        BrokerClient(path).accounts()
    assert KEY not in local_variables(caught.value)
    assert "Restart" in caught.value.hint or "Upgrade" in caught.value.hint
    return caught.value.message


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o602])
def test_a_file_that_others_can_reach_is_refused(kernel_api, mode):
    kernel_api.path.chmod(mode)
    assert "others have access" in refusal(kernel_api.path)


def test_a_link_is_refused(kernel_api, tmp_path):
    link = tmp_path / "link.json"
    link.symlink_to(kernel_api.path)
    assert "symbolic link" in refusal(link)


def test_a_link_put_there_after_the_first_look_is_refused(kernel_api, tmp_path, monkeypatch):
    link = tmp_path / "link.json"
    link.symlink_to(kernel_api.path)
    monkeypatch.setattr(Path, "is_symlink", lambda _: False)
    assert "symbolic link" in refusal(link)


def test_a_link_is_refused_where_the_system_cannot_refuse_it(kernel_api, tmp_path, monkeypatch):
    link = tmp_path / "link.json"
    link.symlink_to(kernel_api.path)
    monkeypatch.delattr(os, "O_NOFOLLOW")
    assert "symbolic link" in refusal(link)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_somebody_elses_file_is_refused(kernel_api):
    os.chown(kernel_api.path, 65534, 65534)
    assert "another user" in refusal(kernel_api.path)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a directory away")
def test_a_socket_in_somebody_elses_directory_gets_no_key(kernel_api):
    directory = Path(kernel_api.address.removeprefix("unix:")).parent
    os.chown(directory, 65534, 65534)
    try:
        assert "another user" in refusal(kernel_api.path)
    finally:
        os.chown(directory, 0, 0)


def test_a_socket_where_others_could_put_theirs_gets_no_key(kernel_api):
    Path(kernel_api.address.removeprefix("unix:")).parent.chmod(0o770)
    assert "others have access" in refusal(kernel_api.path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo", 0o600)
    assert "not a file" in refusal(tmp_path / "fifo")


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"version": 1, "key": "' + KEY + '"', '"x"'])
def test_nonsense_is_refused(tmp_path, text):
    path = written(tmp_path / "file.json")
    path.write_text(text)
    assert "not a jupyter_auth connection file" in refusal(path)


def test_another_version_of_the_file_says_what_to_upgrade(tmp_path):
    assert "version 2" in refusal(written(tmp_path / "file.json", version=2))


def test_an_address_of_another_machine_is_refused(tmp_path):
    with pytest.raises(BrokerUnavailable, match="cannot be used"):
        BrokerClient(written(tmp_path / "file.json", address="tcp:192.0.2.1:80")).accounts()
