"""The broker as a kernel sees it: ``Accounts`` over the broker socket."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from jupyter_auth.core import wire
from jupyter_auth.core.common.codec import from_wire, to_wire
from jupyter_auth.core.common.handles import plain
from jupyter_auth.core.common.rate_limits import Limits
from jupyter_auth.core.common.routes import ROUTES
from jupyter_auth.core.common.session_key import DEFAULT_KEY
from jupyter_auth.core.common.tracebacks import forget_locals
from jupyter_auth.core.consent.store import consent_from_wire
from jupyter_auth.core.errors import BrokerUnavailable, NextStep
from jupyter_auth.core.interfaces import Accounts
from jupyter_auth.core.models import Changes, Imported, Logout
from jupyter_auth.core.provider.definitions import provider_from_mapping, provider_to_mapping
from jupyter_auth.core.secret import Secret
from jupyter_auth.core.tokens.need import ANY, Need
from jupyter_auth.kernel.broker.transport import BrokerTransport, read_connection_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from jupyter_auth.core.common.finding import Finding
    from jupyter_auth.core.consent.store import Consent
    from jupyter_auth.core.models import AccountInfo, AccountKey, Login, LoginRequest, Token
    from jupyter_auth.core.provider.info import ProviderInfo
    from jupyter_auth.core.provider.provider import Provider

Answer = TypeVar("Answer")

_limits = functools.partial(from_wire, Limits)
_logout = functools.partial(from_wire, Logout)
MAX_NAME = 200  # characters of a notebook's name


class BrokerClient(Accounts):
    """``Accounts`` over the broker socket of ``connection_file``. Thread and fork safe.

    Every method may also raise BrokerUnavailable. ``timeout``: as for ``BrokerTransport``.
    """

    def __init__(self, connection_file: Path, timeout: float | None = None) -> None:
        find = functools.partial(read_connection_file, Path(connection_file))
        self._transport = BrokerTransport(find, timeout)
        self._where = str(connection_file)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._where}>"

    def answers(self) -> bool:
        """Whether the socket accepts connections; BrokerUnavailable if its file is refused."""
        return self._transport.answers()

    @property
    def elsewhere(self) -> str:
        """See ``BrokerTransport``."""
        return self._transport.elsewhere

    def close(self) -> None:
        """Close the kept connections; a later call opens new ones."""
        self._transport.close()

    def providers(self, *, unregistered: bool = False) -> list[ProviderInfo]:
        asked = {"unregistered": 1} if unregistered else None
        return self._call(_list("providers", wire.provider_from_wire), "providers", query=asked)

    def default(self) -> str | None:
        return self._call(lambda data: data.get("default") or None, "providers")

    def provider(self, name: str) -> ProviderInfo:
        return self._call(wire.provider_from_wire, "provider", name)

    def register(self, provider: Provider) -> ProviderInfo:
        body = provider_to_mapping(provider)  # with its client secret: the broker keeps that
        return self._call(wire.provider_from_wire, "register", provider.name, body=body)

    def add(self, name: str, fields: Mapping[str, Any], *, replace: bool = False) -> ProviderInfo:
        body = {**fields, "name": name, **({"replace": True} if replace else {})}
        return self._call(wire.provider_from_wire, "add", body=body)

    def find(self, address: str) -> ProviderInfo:
        return self._call(wire.provider_from_wire, "find", body={"address": address})

    def remove(self, name: str) -> Logout:
        return self._call(_logout, "remove", name)

    def examine(self, name: str | None = None) -> list[Finding]:
        asked = {"provider": name} if name else None
        return self._call(_list("findings", wire.finding_from_wire), "examine", query=asked)

    def begin(self, request: LoginRequest) -> Login:
        """As ``Accounts.begin``; ``kernel`` and ``notebook`` default to this process's."""
        body = vars(request) | {
            "scopes": list(request.scopes) or None,
            "challenge": to_wire(request.challenge),
            "kernel": request.kernel or this_kernel(),
            "notebook": request.notebook or this_notebook(),
        }
        return self._call(wire.login_from_wire, "begin", body=body)

    def login(self, login_id: str) -> Login:
        return self._call(wire.login_from_wire, "login", login_id)

    def logins(self) -> list[Login]:
        return self._call(_list("logins", wire.login_from_wire), "logins")

    def cancel(self, login_id: str) -> Login:
        return self._call(wire.login_from_wire, "end", login_id)

    def leave(self, login_id: str) -> Login:
        return self._call(wire.login_from_wire, "end", login_id, query={"leave": 1})

    def forward(self, redirect_uri: str, binding: str, to: str) -> None:
        """Have the server send a browser on: see ``neighbours.forward``."""
        body = {"redirect_uri": redirect_uri, "binding": binding, "to": to}
        self._call(lambda _: None, "forward", body=body)

    def accounts(self) -> list[AccountInfo]:
        return self._call(_list("accounts", wire.account_from_wire), "accounts")

    def token(self, provider: str, session_key: str = DEFAULT_KEY, need: Need = ANY) -> Token:
        body = {"provider": provider, "session_key": session_key, **need._asdict(), **_asker()}
        return self._call(wire.token_from_wire, "token", body=body)

    def allowed(self) -> list[Consent]:
        return self._call(_list("consents", consent_from_wire), "consents")

    def disallow(self, key: AccountKey, notebook: str) -> bool:
        asked = {"provider": key.provider, "session_key": key.session_key, "notebook": notebook}
        return self._call(lambda data: bool(data["removed"]), "revoke_consent", query=asked)

    def configuration(self, name: str) -> Provider:
        parse = functools.partial(provider_from_mapping, plain(name))
        return self._call(parse, "configuration", name)

    def client_token(
        self,
        provider: str,
        session_key: str = DEFAULT_KEY,
        need: Need = ANY,
        scopes: Sequence[str] = (),
    ) -> Token:
        body = {"provider": provider, "session_key": session_key, "grant": wire.CLIENT_CREDENTIALS}
        asked = {**need._asdict(), "scopes": list(scopes) or None}
        return self._call(wire.token_from_wire, "token", body=body | asked)

    def client_logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        asked = {"provider": provider, "session_key": session_key, "revoke": int(revoke)}
        return self._call(_logout, "client_logout", query=asked)

    def import_accounts(self, provider: str) -> list[Imported]:
        parse = _list("imported", functools.partial(from_wire, Imported))
        return self._call(parse, "import_accounts", body={"provider": provider})

    def usage(self, seen: Limits) -> Limits:
        """As ``Accounts.usage``; the notebook defaults to this process's."""
        here = [name] if (name := this_notebook()) else []
        body = to_wire(seen) | {"notebooks": seen.notebooks or here}
        return self._call(_limits, "usage", body=body)

    def limits(self) -> list[Limits]:
        return self._call(_list("limits", _limits), "limits")

    def id_token(self, provider: str, session_key: str = DEFAULT_KEY) -> Secret | None:
        body = {"provider": provider, "session_key": session_key, "id_token": True, **_asker()}
        return self._call(_id_token, "token", body=body)

    def logout(
        self, provider: str, session_key: str = DEFAULT_KEY, *, revoke: bool = True
    ) -> Logout:
        asked = {"provider": provider, "session_key": session_key, "revoke": int(revoke)}
        return self._call(_logout, "logout", query=asked)

    def changes(self, since: int = 0, wait: float = 0.0) -> Changes:
        asked = {"since": since, "wait": wait}
        return self._call(functools.partial(from_wire, Changes), "changes", query=asked, wait=wait)

    def _call(
        self,
        parse: Callable[[Any], Answer],
        call: str,
        *names: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        wait: float = 0.0,
    ) -> Answer:
        """Call the route that ``ROUTES`` has for ``call``, and ``parse`` its response."""
        route = ROUTES[call]
        try:
            address = route.address(*names, query=query)
            return parse(self._transport.call(route.method, address, body, wait=wait))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            forget_locals(error)
        except BaseException as error:
            forget_locals(error)
            raise
        raise BrokerUnavailable(
            "The token broker returned an unexpected response.",
            next_step=NextStep("doctor"),
        )


def _list(name: str, parse: Callable[[Any], Answer]) -> Callable[[Any], list[Answer]]:
    return lambda data: [parse(each) for each in data[name]]


def _id_token(data: Any) -> Secret | None:
    return Secret(data["id_token"]) if data.get("id_token") else None


def _asker() -> dict[str, str | None]:
    """Who wants a token, where people say which notebooks may."""
    return {"kernel": this_kernel(), "notebook": this_notebook()}


def this_kernel() -> str | None:
    """This kernel's id, from the name of its connection file."""
    kernelapp = sys.modules.get("ipykernel.kernelapp")  # not imported: not a kernel
    if kernelapp is None or not kernelapp.IPKernelApp.initialized():
        return None
    name = Path(kernelapp.IPKernelApp.instance().connection_file).stem
    return name.removeprefix("kernel-") or None


def this_notebook() -> str | None:
    """The file name of this kernel's notebook, where its server says so."""
    path = os.environ.get("JPY_SESSION_NAME", "").replace("\\", "/")
    return path.rpartition("/")[2][:MAX_NAME] or None
