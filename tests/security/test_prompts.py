"""What a prompt leaves in a notebook, which is saved and given to others (SECURITY 9 and 13)."""

from __future__ import annotations

from IPython.lib.pretty import pretty

from jupyter_auth.core.models import Login
from jupyter_auth.core.provider.info import ProviderInfo
from jupyter_auth.core.secret import MaskedStr
from jupyter_auth.kernel.prompt.prompt import prompt_data
from kernel.kernel_process import Kernel

INFO = ProviderInfo(name="idp", title="The IdP", host="idp.example")
CODE = "WDJB-MJHT"
DEVICE = Login(id="handle", provider="idp", grant="device_code", user_code=CODE)


def test_a_device_code_is_shown_only_where_there_is_no_page():
    on_a_page = Login(**(vars(DEVICE) | {"path": "/jupyter-auth/login/handle"}))
    assert CODE not in str(prompt_data(on_a_page, INFO))
    alone = prompt_data(Login(**(vars(DEVICE) | {"url": "https://idp.example/device"})), INFO)
    assert all(CODE in text for text in alone.values())


def test_an_address_with_a_code_is_typed_unseen_in_a_notebook(tmp_path):
    with Kernel(tmp_path) as kernel:
        cell = kernel.send(
            "from jupyter_auth.kernel.prompt import prompt; _ = prompt.ask_for_address()"
        )
        assert kernel.answer("http://127.0.0.1:1/callback/idp?code=x&state=y").endswith("(secret)")
        assert kernel.result(cell).outputs == []


def test_a_cell_that_ends_in_a_token_shows_none():
    assert "planted" not in pretty([MaskedStr("planted"), {"token": MaskedStr("planted")}])
