"""From sign-in to sign-out nothing secret is shown by a log, an error, a repr (SECURITY 13)."""

from __future__ import annotations

import logging
import pickle
import time
import traceback

import pytest

from core.sign_in import REDIRECT_URI, USER, arrive, expire_here, provider_at, visit
from jupyter_auth.core import wire
from jupyter_auth.core.errors import LoginRequired, RefreshRejected
from jupyter_auth.core.login.login_store import AuthorizationResponse
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.tokens.need import Need

HIDDEN = ("access_token", "refresh_token", "id_token", "code", "code_verifier", "state", "nonce")


@pytest.fixture
def shown(caplog, capsys):
    """All that was logged or printed since, at the lowest level of all loggers."""
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    caplog.set_level(1)
    for name in levels:
        logging.getLogger(name).setLevel(1)
    yield lambda: caplog.text + "".join(capsys.readouterr())
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def kept(oidc) -> set[str]:
    """What the provider issued and received in this test and before, and our client's secret."""
    secrets = oidc.secrets()
    return {each for kind in (*HIDDEN, "client_secret") for each in secrets.get(kind, []) if each}


def test_a_whole_life_shows_nothing(engines, files, oidc, shown):
    provider = provider_at(oidc, client_id=oidc.confidential_id, client_secret=oidc.client_secret)
    engine = engines(files, time.time, unrelated=oidc)
    engine.configure(provider)
    said = []

    login = engine.begin(LoginRequest("idp", kernel="k", notebook="n.ipynb"))
    url, binding = engine.open(login.id, REDIRECT_URI, USER)
    logging.disable()  # what follows is the person's browser, not we
    params = visit(oidc, url)
    logging.disable(logging.NOTSET)
    finished = engine.finish(
        AuthorizationResponse("idp", params, {binding.name: binding.value}, USER, confirm_by=None)
    )
    account = files.accounts()[0]
    expire_here(files, account)
    token = engine.token("idp")
    again = engine.token("idp", need=Need(rejected=token.digest))
    said += [login, binding, finished, account, token, again, engine, provider, engine.accounts()]
    said += [engine.changes(0), vars(engine), vars(engine._tokens), vars(engine._logins)]
    said += [wire.info_to_wire(info) for info in engine.accounts()]
    said += [wire.login_to_wire(finished), wire.info_to_wire(engine.provider("idp"))]

    # The account ends: its refresh token is used by somebody else, twice.
    with files.locked(account.key) as slot:
        slot.save(account)  # the first refresh token, spent by now
    expire_here(files, account)
    with pytest.raises(RefreshRejected) as rejected:
        engine.token("idp")
    with pytest.raises(LoginRequired) as required:
        engine.token("idp")
    for error in (rejected.value, required.value):
        report = traceback.TracebackException.from_exception(error, capture_locals=True)
        ours = [frame for frame in report.stack if "/tests/" not in frame.filename]
        said += [error, error.to_wire(), [frame.locals for frame in ours]]
    said.append(engine.logout("idp"))

    assert oidc.reuse_count == 1
    text = shown() + repr(said) + str(said)
    assert "urllib3" in text  # it was listened to
    assert not [secret for secret in kept(oidc) if secret in text]


def test_what_holds_secrets_is_not_pickled(engines, files, oidc):
    engine = engines(files, time.time, idp=oidc)
    login = engine.begin(LoginRequest("idp"))
    arrive(engine, login, oidc).finish(engine)
    for holder in (files.accounts()[0], engine.token("idp")):
        with pytest.raises(TypeError):
            pickle.dumps(holder)
    assert pickle.loads(pickle.dumps(login)) == login  # noqa: S301 (our own)


def test_at_rest_there_is_one_file_and_nothing_beside_it(engines, files, oidc):
    """No code, state, verifier or client secret rests anywhere."""
    engine = engines(files, time.time, idp=oidc)
    callback = arrive(engine, engine.begin(LoginRequest("idp")), oidc)
    callback.finish(engine)
    rests = b"".join(p.read_bytes() for p in files.directory.rglob("*") if p.is_file()).decode()
    assert files.accounts()[0].refresh_token.reveal() in rests
    secrets = oidc.secrets()
    kinds = ("code", "code_verifier", "state", "client_secret")
    assert not [each for kind in kinds for each in secrets.get(kind, []) if each in rests]
