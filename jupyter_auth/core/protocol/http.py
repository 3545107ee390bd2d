"""HTTP requests to a provider: bounded in time and size, without netrc.

A request with a secret follows no redirect.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import urllib3

from jupyter_auth.core import __version__
from jupyter_auth.core.common import blocked_addresses, times
from jupyter_auth.core.common.request_errors import ProviderUnavailable
from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.common.urls import require_secure
from jupyter_auth.core.errors import ConfigurationError, ProviderError
from jupyter_auth.core.protocol.connections import Deadline, DeadlineAdapter
from jupyter_auth.core.pyodide import IN_PYODIDE

if TYPE_CHECKING:
    from requests.adapters import BaseAdapter

    from jupyter_auth.core.common.blocked_addresses import RequestRules

CONNECT_TIMEOUT = 5.0  # seconds
READ_TIMEOUT = 10.0  # seconds without a byte
TOTAL_TIMEOUT = 20.0  # seconds for all of a request, however slow its response is
TOKEN_TIMEOUT = 60.0  # the same for one with a code or a refresh token, which is not sent twice
MAX_BODY = 1 << 20  # bytes
MAX_REDIRECTS = 3  # of a public document
# Some answer JSON only if asked for it, and some refuse what libraries call themselves.
HEADERS = {"Accept": "application/json", "User-Agent": f"jupyter-auth-session/{__version__}"}
LATER = {requests.codes.request_timeout, requests.codes.too_many}
BUNDLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")  # by precedence in requests
if IN_PYODIDE:
    from pyodide.ffi import can_run_sync

    from jupyter_auth.core.pyodide.fetch import AGAIN, FetchAdapter
else:
    AGAIN = "Check the network and the provider's address, and try again."

Json = dict[str, Any]
Auth = Callable[[requests.PreparedRequest], requests.PreparedRequest]


def no_auth(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """An ``auth`` that adds nothing, and keeps requests from reading ``~/.netrc``."""
    return request


class Busy(ProviderUnavailable):
    """A response that says after how many ``seconds`` to ask again."""

    def __init__(self, message: str, *, hint: str, seconds: float) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


class Unreachable(ProviderUnavailable):
    """No connection to the host of a request, which was not sent."""


class NoAnswer(ProviderUnavailable):
    """No response to a request that was sent: it may have been carried out."""


class _Session(requests.Session):
    def get_redirect_target(self, resp: requests.Response) -> None:
        """None, as requests reads the whole body of a redirect, however large."""


def send(
    method: str,
    url: str,
    what: str,
    rules: RequestRules,
    *,
    accept: Callable[[requests.Response], object] | None = None,
    seconds: float | None = None,
    **kwargs: Any,
) -> requests.Response:
    """The response to one request, body read. ``what`` names the endpoint in errors.

    ``accept``: whether a response is fine whatever its status. ``seconds`` to wait for it; None:
    ``TOTAL_TIMEOUT``. No redirect is followed.

    Raises:
        Unreachable: the request could not be sent.
        NoAnswer: it was sent, and there is no response in time.
        Busy: the response is 5xx, 408 or 429, and says when to ask again.
        ProviderUnavailable: it is one of these, and does not say so.
        ProviderError: the response is too large.
        ConfigurationError: it is a redirect, or the host is blocked (see ``blocked_addresses``).
    """
    deadline = Deadline(seconds or TOTAL_TIMEOUT)
    kwargs["timeout"] = (CONNECT_TIMEOUT, seconds or READ_TIMEOUT)
    response = _sent(method, url, what, rules, deadline, **kwargs)
    if accept is None or not accept(response):
        _check_status(response, f"{what} of {urlsplit(url).netloc}")
    return response


def document(
    url: str, what: str, rules: RequestRules, deadline: Deadline | None = None
) -> requests.Response:
    """The response with a public document; redirects are checked and followed, as no secret is
    sent. Raises as ``send``, and Unreachable only if ``url`` itself is.
    """
    deadline, response = deadline or Deadline(TOTAL_TIMEOUT), None
    for _ in range(1 + MAX_REDIRECTS):
        require_secure(url, what)
        try:
            response = _sent("GET", url, what, rules, deadline)
        except Unreachable as error:
            raise (NoAnswer(error.message, hint=error.own_hint) if response else error) from None
        if not response.is_redirect:
            break
        url = _next(url, response, what)
    assert response is not None  # noqa: S101 (the loop ran at least once)
    _check_status(response, f"{what} of {urlsplit(url).netloc}")
    return response


def _next(url: str, response: requests.Response, what: str) -> str:
    try:
        return urljoin(url, response.headers["Location"])
    except ValueError:
        raise ProviderError(
            f"The {what} redirects to an invalid URL.",
            hint=f"Tell the operator of {urlsplit(url).netloc}, or check the provider's address.",
        ) from None


def _sent(
    method: str, url: str, what: str, rules: RequestRules, deadline: Deadline, **kwargs: Any
) -> requests.Response:
    scheme, host = urlsplit(url)[:2]
    kwargs.setdefault("auth", no_auth)
    kwargs["headers"] = HEADERS | dict(kwargs.get("headers") or {})
    if rules.ca_bundle:
        kwargs["verify"] = _readable(rules.ca_bundle)
    elif scheme == "https":
        require_certificates()
    try:
        with _Session() as session:
            # http is for this machine only, where it is not seen; a proxy elsewhere would see it.
            session.trust_env = scheme != "http"
            session.mount(f"{scheme}://", _adapter(what, rules, deadline))
            kwargs |= {"allow_redirects": False, "stream": True}
            kwargs.setdefault("timeout", (CONNECT_TIMEOUT, READ_TIMEOUT))
            response = session.request(method, url, **kwargs)
            with response:
                body = _read(response, f"{what} of {host}")
    except requests.exceptions.SSLError as error:
        if "CERTIFICATE_VERIFY_FAILED" not in str(error):
            raise Unreachable(
                f"The TLS handshake with {host} failed.", hint="Check its address and port."
            ) from None
        raise Unreachable(
            f"The certificate of {host} is not trusted here.",
            hint="If your organisation signs it, name its certificates: `ca_bundle` of the"
            " provider, or REQUESTS_CA_BUNDLE for all. There is no switch to turn the check off.",
        ) from None
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        # The text of such an error holds the whole URL, which may hold a secret.
        late = isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError))
        kind = NoAnswer if _was_sent(error) else Unreachable
        if late:
            raise kind(f"The {what} of {host} did not answer in time.", hint="Try again.") from None
        if kind is NoAnswer and not IN_PYODIDE:
            raise kind(f"{host} closed the connection without an answer.", hint=AGAIN) from None
        raise kind(f"{host} cannot be reached.", hint=AGAIN) from None
    response.raw = io.BytesIO(body)
    return response


def _adapter(what: str, rules: RequestRules, deadline: Deadline) -> BaseAdapter:
    if not IN_PYODIDE:
        return DeadlineAdapter(what, rules, deadline)
    require_waiting()
    return FetchAdapter(deadline.left())


def require_waiting() -> None:
    """Check that Python in a browser can wait for a response. Raises ConfigurationError if not."""
    if not can_run_sync():
        raise ConfigurationError(
            "This browser cannot let a cell wait, as signing in needs.",
            hint="Use a browser with JavaScript Promise Integration, such as a current Chrome or"
            " Edge.",
        )


def _was_sent(error: Exception) -> bool:
    """Whether a request that failed may have arrived."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    unsent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    before = (requests.ConnectTimeout, requests.exceptions.ProxyError)
    return not isinstance(error, before) and not isinstance(cause, unsent)


def require_certificates(variables: tuple[str, ...] = BUNDLES) -> None:
    """Check that the certificates which the environment names can be read: the first that is set.

    Raises:
        ConfigurationError: they cannot.
    """
    for name in variables:
        if (bundle := os.environ.get(name)) and not os.access(bundle, os.R_OK):
            raise ConfigurationError(
                f"{name} names {bundle}, which cannot be read, so no https request can be made.",
                hint=f"Where this program or its Jupyter server is started, set {name} to your"
                " organisation's certificates in PEM format, or unset it.",
            )
        if bundle:
            return


def _readable(ca_bundle: str) -> str:
    path = Path(ca_bundle).expanduser()
    try:
        path.open("rb").close()
    except OSError as error:
        raise ConfigurationError(
            f"The ca_bundle {path} cannot be read: {error.strerror}.",
            hint="Give the path of a file of certificates in PEM format.",
        ) from None
    return str(path)


def _read(response: requests.Response, what: str) -> bytes:
    body = bytearray()
    # read1 returns what has arrived; read(n) would wait for n bytes of a slow body.
    while chunk := response.raw.read1(1 << 16, decode_content=True):
        body += chunk
        if len(body) > MAX_BODY:
            raise ProviderError(
                f"The {what} answered with more than {MAX_BODY >> 20} MiB.",
                hint="Check the provider's address; something else may answer there.",
            )
    return bytes(body)


def _check_status(response: requests.Response, what: str) -> None:
    status = response.status_code
    if response.is_redirect:
        raise ConfigurationError(
            f"The {what} answered with a redirect.",
            hint="Check its address: the usual reason is a missing or an extra trailing slash.",
        )
    if status >= requests.codes.internal_server_error or status in LATER:
        said, hint = f"The {what} answered {status}.", "Try again in a while."
        if wait := times.retry_after(response.headers.get("Retry-After")):
            raise Busy(said, hint=hint, seconds=wait)
        raise ProviderUnavailable(said, hint=hint)


def media_type(response: requests.Response) -> str:
    """The media type of its Content-Type (RFC 9110 8.3.1), or ""."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def no_duplicates(pairs: list[tuple[str, Any]]) -> Json:
    """The pairs as a mapping. Raises ValueError for a repeated name."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("duplicate keys")
    return result


def json_object(response: requests.Response, what: str) -> Json:
    """The body as a JSON object without duplicate keys. Raises ProviderError otherwise.

    Whatever its Content-Type, as many servers have the wrong one.
    """
    try:
        data = _json(response)
    except (ValueError, LookupError, RecursionError):
        data = None
    if not isinstance(data, dict):
        # Users of a shared service are not told what else answers at an internal address.
        kind = plain_text(media_type(response) or "no content type", 60)
        size = "" if blocked_addresses.shared() else f" ({kind}, {len(response.content)} bytes)"
        raise ProviderError(
            f"The {what} answered {response.status_code} with something that is not a JSON object"
            f"{size}.",
            hint="Check the provider's address; a proxy or a login page may be in front of it.",
        )
    return data


def _json(response: requests.Response) -> Any:
    """RFC 8259 8.1 requires UTF-8; what is not that may have the charset that it says."""
    try:
        return json.loads(response.content, object_pairs_hook=no_duplicates)
    except UnicodeDecodeError:
        charset = requests.utils.get_encoding_from_headers(response.headers)
        if not charset:
            raise
        return json.loads(response.content.decode(charset), object_pairs_hook=no_duplicates)


def get_json(url: str, what: str, rules: RequestRules) -> tuple[int, Json]:
    """Status and JSON object of a public document; ``{}`` for any status but 200."""
    response = document(url, what, rules)
    if response.status_code != requests.codes.ok:
        return response.status_code, {}
    return response.status_code, json_object(response, what)
