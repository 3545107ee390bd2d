"""Carries out what a person enters on a login's page, in a thread of the provider's pool."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyter_auth.server.broker import request_parsing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login
    from jupyter_auth.core.secret import Secret


def take(
    engine: Engine,
    login: Login,
    body: Mapping[str, Any],
    confirm_by: str | None,
    redirect_uri: str,
) -> None:
    """Carry out ``body`` for this login, by its grant.

    ``confirm_by``: see ``Engine.finish``; ``redirect_uri``: the one that the page shows.
    """
    if "grant" in body:
        engine.typed.choose(login.id, request_parsing.required(body, "grant"))
    elif "set" in body:
        engine.typed.fill_in(login.id, request_parsing.table(body, "set"))
    elif "edit" in body:
        _edit(engine, login.id, body)
    elif "registration" in body:
        _set_up(engine, login.id, body, redirect_uri)
    elif login.grant == "device_code":
        engine.device.start(login.id, confirm_by=confirm_by)
    elif login.grant == "paste":
        text = request_parsing.secret(body, "pasted")
        host = request_parsing.required(body, "host")
        engine.typed.paste(login.id, text, host=host, confirm_by=confirm_by)
    else:
        _STEPS[login.grant](engine, login.id, body)


def _set_up(engine: Engine, login_id: str, body: Mapping[str, Any], redirect_uri: str) -> None:
    given = request_parsing.table(body, "registration")
    fields: dict[str, str | Secret] = {}
    for name in engine.typed.missing(login_id):
        take = request_parsing.secret if name == "client_secret" else request_parsing.required
        fields[name] = take(given, name)
    host, grant = request_parsing.required(body, "host"), request_parsing.text(given, "grant")
    engine.typed.set_up(login_id, fields, host=host, grant=grant, redirect_uri=redirect_uri)


def _edit(engine: Engine, login_id: str, body: Mapping[str, Any]) -> None:
    given = request_parsing.table(body, "registration")
    fields: dict[str, str | Secret] = {"client_id": request_parsing.required(given, "client_id")}
    if given.get("client_secret"):
        fields["client_secret"] = request_parsing.secret(given, "client_secret")
    elif request_parsing.text(given, "forget_secret"):
        fields["client_secret"] = ""
    host, grant = request_parsing.required(body, "host"), request_parsing.text(given, "grant")
    engine.typed.edit(login_id, fields, host=host, grant=grant)


def _password(engine: Engine, login_id: str, body: Mapping[str, Any]) -> None:
    engine.typed.password(
        login_id,
        request_parsing.required(body, "username"),
        request_parsing.secret(body, "password"),
        host=request_parsing.required(body, "host"),
    )


def _api_key(engine: Engine, login_id: str, body: Mapping[str, Any]) -> None:
    provider = engine.configured(engine.login(login_id).provider)
    given = request_parsing.table(body, "key")
    names = provider.api_key.parts if provider.api_key else ()
    parts = {name: request_parsing.secret(given, name) for name in names}
    engine.typed.api_key(login_id, parts, host=request_parsing.required(body, "host"))


_STEPS = {"password": _password, "api_key": _api_key}
