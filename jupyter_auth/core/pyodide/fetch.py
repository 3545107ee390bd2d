"""Requests by the browser's own ``fetch``, in place of sockets."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import js
from pyodide.ffi import JsException, run_sync, to_js
from requests import ConnectionError as NoConnection
from requests import Response, Timeout
from requests.adapters import BaseAdapter
from urllib3 import HTTPResponse

if TYPE_CHECKING:
    from requests import PreparedRequest

# A browser says no more than that it failed.
AGAIN = (
    "Check the network. If that is fine, the server does not accept requests from pages at"
    f" {js.location.origin} (CORS): its operator has to allow that."
)
REDIRECT = 302
# What a browser sets itself, and what a server would have to allow by name (CORS).
UNSENT = {"user-agent", "accept-encoding", "connection", "content-length"}


class FetchAdapter(BaseAdapter):
    """The adapter of requests for one request of at most ``seconds``, without the site's cookies.

    No redirect is followed: a browser tells neither its status nor its address.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        """The response, body read."""
        answer, body, failed = run_sync(self._fetched(request))
        if failed:
            raise (Timeout if failed == "TimeoutError" else NoConnection)(request=request)
        response = Response()
        response.url, response.request = str(request.url), request
        redirected = answer.type == "opaqueredirect"
        response.status_code = REDIRECT if redirected else answer.status
        headers = {"Location": ""} if redirected else dict(answer.headers.to_py())
        headers.pop("content-encoding", None)  # the browser has decoded it
        response.headers.update(headers)
        response.raw = HTTPResponse(io.BytesIO(body), preload_content=False)
        return response

    async def _fetched(self, request: PreparedRequest) -> tuple[Any, bytes, str]:
        """Response, body, and what failed: an exception of a task would show up in the cell."""
        options = {
            "method": request.method,
            "headers": {k: v for k, v in request.headers.items() if k.lower() not in UNSENT},
            "body": request.body,
            "redirect": "manual",
            "credentials": "omit",
            "cache": "no-store",
            "referrerPolicy": "no-referrer",
            "signal": js.AbortSignal.timeout(int(self._seconds * 1000)),
        }
        given = to_js(options, dict_converter=js.Object.fromEntries)
        try:
            answer = await js.fetch(request.url, given)
            return answer, (await answer.arrayBuffer()).to_bytes(), ""
        except JsException as error:
            return None, b"", str(error.name)

    def close(self) -> None:
        """Nothing is kept open."""
