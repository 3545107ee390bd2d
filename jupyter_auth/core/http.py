"""HTTP to a provider: bounded in time and size, never redirected, never credentialed by netrc."""

from __future__ import annotations

import io
import json
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
import urllib3

from jupyter_auth.core import addresses
from jupyter_auth.core.errors import ConfigurationError, ProviderError, ProviderUnavailable

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 10.0  # seconds without a byte
TOTAL_TIMEOUT = 20.0  # seconds for a whole body, however it drips
MAX_BODY = 1 << 20  # bytes

Json = dict[str, Any]


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An ``auth`` that adds nothing: given one, requests leaves ``~/.netrc`` alone."""
    return request


def send(
    session: requests.Session,
    method: str,
    url: str,
    what: str,
    *,
    ca_bundle: str | None = None,
    any_status: bool = False,
    **kwargs: Any,
) -> requests.Response:
    """The provider's answer to one request, body read. ``what`` names it in errors.

    ``ca_bundle``: a file with the certificates to trust instead of the usual ones.
    ``any_status``: an OAuth error in the body counts, whatever the status (RFC 8628 3.5).
    ProviderUnavailable: no answer in time, or 5xx or 429. ProviderError: too large.
    ConfigurationError: it redirects; a redirect is not followed, the request holds secrets. Or the
    host is none that this process may ask (see ``addresses``).
    """
    addresses.check(url, what)
    scheme, host = urlsplit(url)[:2]
    kwargs.setdefault("auth", no_auth)
    if ca_bundle:
        kwargs["verify"] = _readable(ca_bundle)
    # http is for this machine alone, where nobody sees it; a proxy of the environment would.
    session.trust_env = scheme != "http"
    try:
        response = session.request(
            method,
            url,
            timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
            allow_redirects=False,
            stream=True,
            **kwargs,
        )
        with response:
            body = _read(response, f"{what} of {host}")
    except requests.exceptions.SSLError:
        raise ProviderUnavailable(
            f"The certificate of {host} is not trusted here.",
            hint="If your organisation signs it, name its certificates: `ca_bundle` of the"
            " provider, or REQUESTS_CA_BUNDLE for all. There is no switch to turn the check off.",
        ) from None
    except (requests.Timeout, urllib3.exceptions.TimeoutError):
        raise ProviderUnavailable(
            f"The {what} of {host} did not answer in time.", hint="Nothing is lost: try again."
        ) from None
    except ProviderUnavailable:
        raise
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        # The text of such an error holds the whole URL, which may hold a secret.
        raise ProviderUnavailable(
            f"{host} cannot be reached.",
            hint="Check the network and the provider's address. Nothing is lost: try again.",
        ) from None
    response.raw = io.BytesIO(body)
    if not (any_status and _says_error(response)):
        _check_status(response, f"{what} of {host}")
    return response


def _readable(ca_bundle: str) -> str:
    path = Path(ca_bundle).expanduser()
    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigurationError(
            f"The ca_bundle {path} cannot be read: {error.strerror}.",
            hint="It is the path of a file of certificates, in PEM format.",
        ) from None
    return str(path)


def _read(response: requests.Response, what: str) -> bytes:
    deadline = time.monotonic() + TOTAL_TIMEOUT
    body = bytearray()
    # read1 hands over what has come; read(n) would wait for n bytes of a body that drips.
    while chunk := response.raw.read1(1 << 16, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY:
            raise ProviderError(
                f"The {what} answered more than {MAX_BODY >> 20} MiB.",
                hint="Check the provider's address; something else may answer there.",
            )
        if time.monotonic() > deadline:
            raise ProviderUnavailable(
                f"The {what} did not answer in time.", hint="Nothing is lost: try again."
            )
    return bytes(body)


def _check_status(response: requests.Response, what: str) -> None:
    status = response.status_code
    if response.is_redirect:
        raise ConfigurationError(
            f"The {what} answered with a redirect.",
            hint="Check its address: a trailing slash too many or too few is the usual reason.",
        )
    if status >= requests.codes.internal_server_error or status == requests.codes.too_many:
        raise ProviderUnavailable(
            f"The {what} answered {status}.", hint="Nothing is lost: try again in a while."
        )


def _says_error(response: requests.Response) -> bool:
    try:
        return "error" in json_object(response, "")
    except ProviderError:
        return False


def _no_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate keys")
    return result


def json_object(response: requests.Response, what: str) -> Json:
    """The body as a JSON object without duplicate keys. ProviderError otherwise."""
    try:
        data = json.loads(response.content, object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        kind = response.headers.get("Content-Type", "no content type").split(";")[0]
        raise ProviderError(
            f"The {what} answered {response.status_code} with something that is not a JSON object"
            f" ({kind[:60]}, {len(response.content)} bytes).",
            hint="Check the provider's address; a proxy or a login wall may stand before it.",
        )
    return data


def get_json(url: str, what: str, *, ca_bundle: str | None = None) -> tuple[int, Json]:
    """Status and JSON object of a public document; ``{}`` for 404 and its like."""
    with requests.Session() as session:
        accept = {"Accept": "application/json"}
        response = send(session, "GET", url, what, ca_bundle=ca_bundle, headers=accept)
    if response.status_code != requests.codes.ok:
        return response.status_code, {}
    return response.status_code, json_object(response, what)
