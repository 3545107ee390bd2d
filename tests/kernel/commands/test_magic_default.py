"""``%auth``, ``%%auth`` and ``jupyter auth`` without a name: they mean the default provider."""

from __future__ import annotations

import signal

import pytest

from jupyter_auth.core.engine import Engine
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.provider.registry import Providers
from kernel.broker_socket import BrokerSocket
from kernel.commands.cli_process import run, started
from kernel.kernel_process import Kernel, environment
from kernel.sign_in import consenting, sign_in
from memory_store import MemoryStore
from patience import PATIENCE

TITLES = {"idp": "The IdP", "other": "The Other"}


@pytest.fixture
def made(oidc):
    """Makes the engine of a broker that has these providers."""
    engines = []

    def make(*names):
        tables = {name: consenting(oidc, title=TITLES[name]) for name in names}
        engines.append(Engine(Providers(tables, allow_user_providers=False), MemoryStore()))
        return engines[-1]

    yield make
    for engine in engines:
        engine.close()


def begun(engine):
    """The provider of the one login that is under way, which ends with that."""
    (login,) = engine.logins()
    engine.cancel(login.id)
    return login.provider


@pytest.mark.parametrize(
    ("default", "meant"),
    [
        ((["idp"], None, None), "idp"),
        ((["idp", "other"], "other", None), "other"),
        ((["idp", "other"], "other", "idp"), "idp"),
    ],
    ids=["the only one", "the configured one", "the chosen one"],
)
def test_a_notebook_needs_no_name(made, oidc, tmp_path, default, meant):
    names, configured, used = default
    engine = made(*names)
    with (
        BrokerSocket(engine, tmp_path, configured) as kernel_api,
        Kernel(tmp_path, kernel_api.path) as kernel,
    ):
        kernel.ok("%load_ext jupyter_auth")
        if used:
            kernel.ok(f"%auth use {used}")
        kernel.ok("%auth login --key work")
        assert begun(engine) == meant
        sign_in(engine, oidc, engine.begin(LoginRequest(meant)), username="alice")
        kernel.ok("%auth login --wait")
        assert f"'{meant}'" in kernel.ok("%%auth\nsession.provider").text()
        assert "Signed out" in kernel.ok("%auth logout").text()
        assert not engine.accounts()
        assert f"not signed in to {TITLES[meant]}." in kernel.ok("%auth logout").text()


def test_a_terminal_needs_no_name(made, oidc, tmp_path):
    engine = made("idp", "other")
    with BrokerSocket(engine, tmp_path, "other") as kernel_api:
        env = environment(tmp_path, kernel_api.path)
        process, said = started(env, "login")
        assert "Sign in to The Other" in said
        assert begun(engine) == "other"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        sign_in(engine, oidc, engine.begin(LoginRequest("other")), username="alice")
        assert run(env, "logout").stdout.startswith("Signed out of other.")
        assert not engine.accounts()


@pytest.mark.parametrize(
    ("names", "sentence", "hint"),
    [
        ((), "No provider is configured, and none is named.", "add your own with `{} add`"),
        (("idp", "other"), "Several providers are configured: idp, other.", "`{} login idp`"),
    ],
    ids=["none", "several"],
)
def test_without_a_default_it_says_what_to_write(made, tmp_path, names, sentence, hint):
    with BrokerSocket(made(*names), tmp_path) as kernel_api:
        env = environment(tmp_path, kernel_api.path)
        for verb in ("login", "logout"):
            said = run(env, verb, status=1).stderr
            assert sentence in said
            assert hint.format("jupyter auth") in said
            assert "%auth" not in said
        with Kernel(env=env) as kernel:
            kernel.ok("%load_ext jupyter_auth")
            for code in ("%auth login", "%auth logout"):
                ran = kernel.run(code)
                assert ran.status == "error"
                assert sentence in ran.text()
                assert hint.format("%auth") in ran.text()
                assert len(ran.text().strip().splitlines()) == 3
            assert "<UserSession>" in kernel.ok("%%auth\nsession").text()
