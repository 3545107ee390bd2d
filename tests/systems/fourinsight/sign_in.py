"""How a person signs in to 4insight: a text is pasted."""

from __future__ import annotations

from jupyter_auth.core.models import LoginRequest
from jupyter_auth.core.secret import Secret


def paste(engine, text, key="default"):
    login = engine.begin(LoginRequest("4insight", key))
    return engine.typed.paste(login.id, Secret(text), host=engine.typed.host(login.id))


def sign_in(engine, fourinsight, key="default"):
    login = paste(engine, fourinsight.package(), key)
    assert login.candidate  # asked before anything is stored
    return engine.confirm(login.id)
