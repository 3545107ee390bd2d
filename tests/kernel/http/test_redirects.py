"""``TokenAuth`` where the API sends a request on: no header goes along to anybody else."""

from __future__ import annotations

import pytest

from jupyter_auth.core.models import Token
from jupyter_auth.kernel.http.requests_auth import TokenAuth
from kernel.http.planted_token import PLANTED, Fixed
from providers.troubles import Reply, status


@pytest.mark.parametrize("header", ["Authorization", "x-api-key", "accessToken"])
def test_a_redirect_elsewhere_takes_no_header_along(http, rogue, elsewhere, header):
    auth = TokenAuth(Fixed(header, PLANTED), origins=[rogue.issuer])
    for code in (301, 302, 303, 307, 308):
        rogue.script(
            "api", lambda _, code=code: Reply(code, headers={"Location": elsewhere.origin})
        )
        assert http.get(f"{rogue.issuer}/api/x", auth=auth).ok
    assert len(elsewhere.seen) == 5
    assert not any(PLANTED in repr(each.headers) for each in elsewhere.seen)
    assert all(PLANTED in repr(each.headers) for each in rogue.seen("api"))


def test_a_redirect_after_a_retry_takes_no_header_along(idp, http, rogue, elsewhere):
    source = idp._source

    class Keyed:
        def token(self, min_valid=0.0):
            return self.keyed(source.token(min_valid))

        def rejected(self, token):
            return self.keyed(source.rejected(token))

        def keyed(self, token):
            return Token(access_token=token.access_token, headers={"x-key": token.access_token})

    auth = TokenAuth(Keyed(), origins=[rogue.issuer])
    rogue.script("api", status(401), times=1)
    rogue.script("api", lambda _: Reply(302, headers={"Location": elsewhere.origin}))
    assert http.get(f"{rogue.issuer}/api/x", auth=auth).ok
    assert len(rogue.seen("api")) == 2
    assert "x-key" not in elsewhere.seen[0].headers


def outcome(http, url, **kwargs):
    """What a request ends in: where, in how many steps, or the exception."""
    try:
        answer = http.get(url, **kwargs)
    except Exception as error:  # noqa: BLE001 (whatever it is, it is compared)
        return type(error), str(error)
    return answer.status_code, answer.url, [each.url for each in answer.history]


@pytest.mark.parametrize("follow", [True, False])
@pytest.mark.parametrize(
    "location",
    [
        "",
        "#",
        "//",
        "http:",
        "http://",
        "http:///x",
        "http://[bad",
        "//[bad",
        "http://]/",
        "http://x:bad/",
        "http://*bad/",
        "http://x..y/",
        "x:y",
        "/\xff",
    ],
)
def test_a_bad_redirect_ends_as_it_does_without_us(http, rogue, location, follow):
    rogue.script("api", lambda _: Reply(302, headers={"Location": location}))
    url, how = f"{rogue.issuer}/api/x", {"allow_redirects": follow}
    plain = outcome(http, url, **how)
    for header in ("Authorization", "x-api-key"):
        auth = TokenAuth(Fixed(header, PLANTED), origins=[rogue.issuer])
        assert outcome(http, url, auth=auth, **how) == plain


def test_a_redirect_within_the_origin_keeps_the_header(http, rogue):
    auth = TokenAuth(Fixed("x-api-key", PLANTED), origins=[rogue.issuer])
    rogue.script("api", lambda _: Reply(302, headers={"Location": "/api/other"}), times=1)
    http.get(f"{rogue.issuer}/api/x", auth=auth)
    assert [each.headers["x-api-key"] for each in rogue.seen("api")] == [PLANTED, PLANTED]
