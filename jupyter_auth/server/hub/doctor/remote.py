"""``jupyter auth hub doctor --url``: asks a running service for its own checks."""

from __future__ import annotations

import os
import sys
from getpass import getpass
from pathlib import Path
from urllib.parse import urlsplit

import requests

from jupyter_auth.core import wire
from jupyter_auth.core.common.finding import Finding, wrong
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import origin_of, require_secure
from jupyter_auth.core.errors import BrokerUnavailable, ConfigurationError
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.http_errors import UNAVAILABLE
from jupyter_auth.server.hub.config import NAME

ABOUT = "Service"
SERVICE = f"/services/{NAME}"
TOKEN_VARIABLE = "JUPYTERHUB_API_TOKEN"  # noqa: S105 (its name)
TIMEOUT = (5.0, 120.0)  # seconds: the service asks its providers first
MAX_SAID = 300  # characters


def token(file: str | None) -> Secret:
    """The Hub API token, from a file, the environment, or a prompt."""
    if file:
        try:
            return Secret(Path(file).read_text(encoding="utf-8").strip())
        except (OSError, ValueError) as error:
            said = getattr(error, "strerror", None) or "it is not text"
            raise ConfigurationError(f"{file} cannot be read: {said}.") from None
    if given := os.environ.get(TOKEN_VARIABLE):
        return Secret(given)
    if not sys.stdin.isatty():
        return Secret(sys.stdin.readline().strip())
    return Secret(getpass("Hub API token: ").strip())


def service_at(url: str) -> str:
    """The service's URL, given its own or the Hub's. ConfigurationError: http elsewhere."""
    require_secure(url, "address of the Hub")
    path = urlsplit(url).path.rstrip("/")
    path = path.partition(SERVICE)[0] if SERVICE in path else path.removesuffix("/home")
    return f"{origin_of(url)}{path.removesuffix('/hub')}{SERVICE}/"


def ask_service(url: str, secret: Secret) -> list[Finding]:
    """What the service at ``url`` finds, or why it gives no answer."""
    service = service_at(url)
    host = urlsplit(service).netloc
    try:
        with requests.Session() as http:
            http.trust_env = urlsplit(service).scheme != "http"
            return _answer(http, service, f"token {secret.reveal()}")
    except BrokerUnavailable as error:
        return [wrong(ABOUT, error)]
    except requests.exceptions.SSLError:
        says, fix = f"The certificate of {host} is not trusted here.", "See REQUESTS_CA_BUNDLE."
    except (ValueError, LookupError, TypeError, AttributeError):  # requests' own of bad JSON too
        says, fix = f"The answer at {service} is not the service's.", "Check the address."
    except requests.RequestException:
        says, fix = f"{host} cannot be reached.", "Check the address, and that the Hub runs."
    return [Finding(about=ABOUT, says=says, fix=fix, state="wrong")]


def _answer(http: requests.Session, service: str, authorization: str) -> list[Finding]:
    """The service's findings. BrokerUnavailable: why it has none."""
    answer = _get(http, f"{service}doctor", authorization)
    if answer.status_code == requests.codes.ok:
        return [wire.finding_from_wire(each) for each in answer.json()["findings"]]
    said = _object(answer)
    if answer.status_code == UNAVAILABLE:
        said = {"message": _object(_get(http, f"{service}ready")).get("status")}
    if message := said.get("message"):
        raise BrokerUnavailable(_shown(message), hint=_shown(said.get("hint")) or _LOG)
    if answer.status_code == UNAVAILABLE:
        message = "The service is not running: the proxy answers in its place."
        raise BrokerUnavailable(message, hint=_LOG)
    raise BrokerUnavailable(
        f"{service} answers {answer.status_code}: there is no such service.",
        hint="Check the address, and that the Hub's configuration calls `hub_config`.",
    )


_LOG = "See the service's log, or run `jupyter auth hub doctor` where it runs."


def _shown(text: object) -> str:
    return plain_text(str(text or ""), MAX_SAID)


def _get(http: requests.Session, url: str, authorization: str = "") -> requests.Response:
    def auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if authorization:
            request.headers["Authorization"] = authorization  # whatever ~/.netrc has
        return request

    return http.get(url, auth=auth, timeout=TIMEOUT, allow_redirects=False)


def _object(answer: requests.Response) -> dict[str, object]:
    try:
        found = answer.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
