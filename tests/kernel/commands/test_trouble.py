"""What the commands say of an account that its provider does not renew."""

from __future__ import annotations

import dataclasses
import time

import pytest

from jupyter_auth.core.errors import RefreshRejected
from jupyter_auth.core.tokens.need import Need
from jupyter_auth.kernel.commands import doctor, verbs
from providers.troubles import error

REFUSED = error("interaction_required", description="Use your phone.")
SAYS = "refused to renew this sign-in (interaction_required: Use your phone)."


@pytest.fixture(autouse=True)
def _broker(kernel_api, monkeypatch):
    monkeypatch.setenv("JUPYTER_AUTH_CONNECTION", str(kernel_api.path))


@pytest.fixture
def refuse(signed_in, rogue):
    """Refuses to renew a token that works, or one that the API ``rejected``."""

    def refuse(*, rejected):
        rogue.script("refresh", REFUSED)
        token = signed_in.token("idp")
        if rejected:
            with pytest.raises(RefreshRejected):
                signed_in.token("idp", need=Need(rejected=token.digest))
        else:
            (account,) = signed_in._store.accounts()
            soon = {"issued_at": time.time() - 3550, "expires_at": time.time() + 50}
            signed_in._tokens.keep(dataclasses.replace(account, **soon))
            assert signed_in.token("idp").digest == token.digest

    return refuse


def test_a_sign_in_is_needed(refuse):
    refuse(rejected=True)
    assert SAYS in (said := str(verbs.status("idp")))
    assert "Sign-in needed: " in said
    (account,) = verbs.status_data("idp")
    assert SAYS in account["trouble"]
    report = doctor.examine("idp")
    assert not report.healthy
    (found,) = (each for each in report.sections[-1].findings if each.about == "Sign-in")
    assert found.says.startswith("Sign-in needed: ")
    assert found.says.endswith(SAYS)
    assert "jupyter auth login idp" in found.advice


def test_none_is_needed_yet(refuse):
    refuse(rejected=False)
    assert ", then sign in again: " in (said := str(verbs.status("idp")))
    assert SAYS in said
    report = doctor.examine("idp")
    assert report.healthy
    (found,) = (each for each in report.sections[-1].findings if each.about == "Sign-in")
    assert found.says.startswith("Not renewed: ")
