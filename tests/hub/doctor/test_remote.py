"""The doctor that is asked from elsewhere: where the service is, and what is said in its place."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.secret import Secret
from jupyter_auth.server.hub.doctor.remote import ask_service, service_at
from providers.sockets import SocketServer
from providers.troubles import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from providers.sockets import Request

TOKEN = "planted-hub-token-90d1"
PREFIX = "/campus/services/jupyter-auth/"


@contextmanager
def answering(**replies: Reply) -> Iterator[tuple[str, list[Request]]]:
    """A Hub's address where the service answers these, by route."""
    seen: list[Request] = []

    def answer(request: Request) -> Reply:
        seen.append(request)
        return replies.get(request.target.removeprefix(PREFIX), Reply(404))

    server = SocketServer(answer)
    server.start()
    yield f"http://127.0.0.1:{server.port}/campus/hub/home", seen
    server.stop()


@pytest.mark.parametrize(
    "url",
    [
        "https://Hub.example/campus",
        "https://hub.example/campus/hub/",
        "https://hub.example:443/campus/hub/home",
        "https://hub.example/campus/services/jupyter-auth",
        "https://hub.example/campus/services/jupyter-auth/doctor",
    ],
)
def test_the_service_is_found_from_any_address_of_the_hub(url: str) -> None:
    assert service_at(url) == f"https://hub.example{PREFIX}"


def test_an_administrators_token_goes_nowhere_over_http() -> None:
    with pytest.raises(ConfigurationError, match="is not https"):
        service_at("http://hub.example/")


def test_of_a_service_that_does_not_start_the_reason_is_said() -> None:
    page = Reply(503, b"<html>Not yet</html>", {"Content-Type": "text/html"})
    ready = Reply.json({"status": "The service's database cannot be used: no route."}, 503)
    with answering(doctor=page, ready=ready) as (url, seen):
        (found,) = ask_service(url, Secret(TOKEN))
    assert (found.state, found.says) == (
        "wrong",
        "The service's database cannot be used: no route.",
    )
    assert found.fix
    assert [TOKEN in str(each.headers) for each in seen] == [True, False], "only the doctor's"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(503), "The service is not running: the proxy answers in its place."),
        (Reply(404), "answers 404: there is no such service"),
        (Reply(302, headers={"Location": "https://evil.example/"}), "answers 302"),
        (Reply(200, b"<html>"), "is not the service"),
        (Reply.json([]), "is not the service"),
        (Reply.json({"findings": [{"about": "x"}]}), "is not the service"),
        (Reply.json({"message": "No\x1b[2J!", "hint": "H"}, 403), "No"),
    ],
)
def test_whatever_answers_it_is_one_sentence(reply: Any, said: str) -> None:
    with answering(doctor=reply, ready=Reply(503)) as (url, seen):
        (found,) = ask_service(url, Secret(TOKEN))
    assert said in found.says
    assert "\x1b" not in found.says
    assert (found.state, bool(found.fix)) == ("wrong", True)
    assert all(each.target.startswith(PREFIX) for each in seen)
