"""Names from outside are shown as text and as nothing else: in a terminal, a widget and JSON.

For pages see ``tests/server/browser/test_pages.py``.
"""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core import wire
from jupyter_auth.core.common.rate_limits import Limits
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.protocol.oauth_response import DeviceAuthorizationResponse
from jupyter_auth.core.provider.provider import Provider
from jupyter_auth.kernel.broker.broker_client import BrokerClient
from kernel.kernel_process import Kernel, environment
from kernel.prompt.widget_views import show
from kernel.sign_in import sign_in
from patience import PATIENCE
from providers import troubles

# Escapes of a terminal in 7 and 8 bits, line breaks, direction overrides, what has no width, and
# half of a character.
HOSTILE = "ro\x1b]0;owned\x07sa\x1b[2J\x9b31m\r\n\u2028\u202egnp.exe\u2066\u200b\ufeff\x00\ud800!"
SHOWN = "ro ]0;owned sa [2J 31m gnp.exe !"


@given(st.text() | st.text("ab \t\n\r\x1b\u202e\u200d\ud800"), st.integers(1, 30))
def test_what_is_shown_is_one_line_of_what_is_seen(text, most):
    shown = plain_text(text, most)
    assert shown.isprintable()
    assert len(shown) <= most
    assert plain_text(shown, most) == shown
    if text.isprintable() and "  " not in text and text == text.strip() and len(text) <= most:
        assert shown == text


@pytest.mark.parametrize("name", ["Zoë Müller", "山田太郎", "محمد", "O'Neill-Ångström", "👩🏽"])
def test_names_of_all_languages_stay(name):
    assert plain_text(name, 40) == name


@pytest.fixture
def hostile(engine, rogue, kernel_api):
    """Somebody has signed in whose name is an attack, at a provider that granted another."""
    rogue.username = HOSTILE
    rogue.script("token", troubles.fields(scope=f"openid {HOSTILE}"))
    assert sign_in(engine, rogue, engine.begin(LoginRequest("idp"))).status == "complete"
    return kernel_api


def only_seen(text):
    return "".join(text.split("\n")).isprintable()


def test_a_name_is_text_in_a_terminal(hostile, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-m", "jupyter_auth.cli", "status"],
        env=environment(tmp_path, hostile.path),
        capture_output=True,
        check=True,
        timeout=PATIENCE,
    )
    said = ran.stdout.decode()
    assert SHOWN in said
    assert only_seen(said)
    assert only_seen(ran.stderr.decode())


def test_and_in_a_widget(hostile, tmp_path):
    with Kernel(tmp_path / "kernel", hostile.path) as kernel:
        view = show(kernel)
        view.press("look")
        view.wait(lambda state: state["account"])
        assert view.state["account"]["username"] == SHOWN
        assert only_seen("".join(view.state["account"]["scope"]))
        assert only_seen(view.output["data"]["text/plain"])
        assert only_seen(view.output["data"]["text/html"])


def test_and_on_the_wire(hostile, engine):
    told = json.dumps(wire.info_to_wire(engine.accounts()[0]), ensure_ascii=False)
    assert only_seen(told.encode().decode())
    assert hostile.path


def test_what_a_kernel_says_of_itself_is_text(kernel_api, engine):
    client = BrokerClient(kernel_api.path)
    client.begin(LoginRequest("idp", kernel=HOSTILE, notebook=HOSTILE))
    login = engine.logins()[0]
    assert (login.kernel, login.notebook) == (SHOWN, SHOWN)
    client.usage(Limits(provider="idp", session_key="default", notebooks=(HOSTILE,)))
    assert engine.limits()[0].notebooks == (SHOWN,)
    for wrong in ({"session_key": HOSTILE}, {"username": HOSTILE}):
        with pytest.raises(ConfigurationError, match="one line of at most"):
            client.begin(LoginRequest("idp", **wrong))
    client.close()


def test_a_title_is_text():
    own = Provider(name="own", issuer="https://idp.example", title=HOSTILE)
    assert own.title == SHOWN
    assert Provider(name="own", issuer="https://idp.example", title="\u202e").title == "own"


def test_a_subject_that_cannot_be_shown_is_nobody(engine, rogue):
    """It is compared to the letter, so it is not changed."""
    rogue.id_token.claims["sub"] = f"u-1{HOSTILE}"
    login = sign_in(engine, rogue, engine.begin(LoginRequest("idp")))
    assert login.status == "failed"
    assert "it has no `sub` claim that can be shown" in login.error["message"]


@pytest.mark.parametrize(
    "uri",
    [
        f"https://idp.example/{HOSTILE}",
        "https://idp.example/\u202ecod",
        "https://idp.example/d\u0435vice",  # a Cyrillic letter, which looks like ours
    ],
)
def test_a_verification_uri_is_what_a_person_can_type(uri):
    answer = {"device_code": "d", "user_code": "u", "verification_uri": uri, "expires_in": 60}
    with pytest.raises(ProviderError, match="no `verification_uri`"):
        DeviceAuthorizationResponse.parse(answer)
