"""Which addresses are one origin, and which may see a token at all (SECURITY 12, 21)."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_auth.core.common.urls import api_origin, origin_of, reaching, require_secure, written
from jupyter_auth.core.errors import ConfigurationError


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://api.example.com", "https://api.example.com"),
        ("https://api.example.com:443/v1?x#y", "https://api.example.com"),
        ("http://localhost:80/", "http://localhost"),
        ("HTTPS://API.Example.COM/V1", "https://api.example.com"),
        ("https://api.example.com:8443", "https://api.example.com:8443"),
        ("https://[2001:DB8::1]/", "https://[2001:db8::1]"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("https://0x7f.1:8443", "https://127.0.0.1:8443"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url, origin):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "lookalike",
    [
        "https://api.example.com.evil",
        "https://api.example.com.",
        "https://api.example.com:444",
        "http://api.example.com",
        "https://evil/api.example.com",
        "https://evil?api.example.com",
        "https://evil#@api.example.com",
        "https://xn--api-example-com",
        "https://ap\u0456.example.com",  # a Cyrillic i
    ],
)
def test_what_looks_alike_is_another_origin(lookalike):
    assert origin_of(lookalike) != "https://api.example.com"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.example.com",
        "/path",
        "//api.example.com",
        "ftp://api.example.com",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://:443",
        "https://api.example.com:99999",
        "https://api.example.com:x",
        "https://[::1",
        "https://api.example.com@evil",
        "https://user:password@api.example.com",
        "https://evil\\@api.example.com",
        "https://api\u2044example.com\uff0fevil",  # a slash once it is normalized
        "https://api.exam\nple.com",
        "https://api.example.com/\t..",
        " https://api.example.com",
        "https://api.example.com/\x00",
        "https://api.example.com\\.evil",
        "https://api.example.com\\/x",
        "https:\\\\api.example.com",
        "https://api.example.com:/",
        "https://api.ex%61mple.com",
        "https://api.example.com%00.evil",
        "https://api..example.com",
        "https://[fe80::1%25eth0]",
        "https://1.2.3.4.5",
        "https://api.example.com\u2028.evil",
        "https://\ud800.example.com",
        "https://\u202emoc.evil",
        "https://api.example.com/\u202emoc.evil//:sptth",
    ],
)
def test_what_is_no_plain_address_has_no_origin(url):
    with pytest.raises(ConfigurationError):
        origin_of(url)


def test_a_password_in_an_address_is_not_repeated():
    with pytest.raises(ConfigurationError) as caught:
        origin_of("https://user:planted-password@api.example.com")
    assert "planted-password" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "https://idp.example.com/realm",
        "http://localhost:8000",
        "http://127.0.0.1/token",
        "http://[::1]:8000/token",
        "http://LOCALHOST/",
    ],
)
def test_https_and_this_machine_are_secure(url):
    assert require_secure(url, "issuer") == url


@pytest.mark.parametrize(
    "url",
    [
        "http://idp.example.com",
        "http://localhost.evil",
        "http://127.0.0.1.evil",
        "http://127.0.0.2.",
        "http://0.0.0.0",
        "http://10.0.0.1",
        "http://169.254.169.254/latest",
        "http://[::2]",
        "http://[::ffff:127.0.0.1]",
        "http://2130706433",
        "http://localhost.",
    ],
)
def test_http_to_anybody_else_is_not(url):
    with pytest.raises(ConfigurationError, match="not https"):
        require_secure(url, "issuer")


@given(st.text())
def test_any_text_is_an_origin_or_an_error(text):
    try:
        origin = origin_of(text)
    except ConfigurationError:
        return
    assert origin_of(origin) == origin
    assert not urlsplit(origin).path


@given(
    st.sampled_from(["http", "https"]),
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\.[a-z]{2,5}){1,2}", fullmatch=True),
    st.integers(1, 65535),
    st.text(st.characters(codec="ascii", exclude_categories=["Cc", "Zs"])),
)
def test_path_and_query_never_change_an_origin(scheme, host, port, rest):
    assert origin_of(f"{scheme}://{host}:{port}/{rest}") == origin_of(f"{scheme}://{host}:{port}")


# Where tokens may go


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("https://*.acme.example", "https://*.acme.example"),
        ("https://*.Acme.example:443/v1", "https://*.acme.example"),
        ("https://*.eu.acme.example:8443", "https://*.eu.acme.example:8443"),
        ("https://*.bücher.example", "https://*.xn--bcher-kva.example"),
        ("https://acme.example/v1", "https://acme.example"),
    ],
)
def test_one_label_of_an_api_origin_may_be_a_star(given, origin):
    assert api_origin(given) == origin


@pytest.mark.parametrize(
    "given",
    [
        "*",
        "https://*",
        "https://*.com",
        "https://*.com.",
        "https://*.localhost",
        "https://*.*.acme.example",
        "https://api.*.acme.example",
        "https://a*.acme.example",
        "https://*api.acme.example",
        "http://*.acme.example",
        "http://*.127.0.0.1",
        "https://*.0.0.1",
        "https://*.[::1]",
        "https://*.me@acme.example",
        "https://*.acme.example:*",
        "*.acme.example",
        "https://acme.example/*",
    ],
)
def test_any_other_star_is_refused(given):
    with pytest.raises(ConfigurationError):
        api_origin(given)


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        ("https://na1.acme.example/x", True),
        ("https://na1.acme.example:443/x", True),
        ("https://na1.acme.example:8443/x", False),
        ("http://na1.acme.example/x", False),
        ("https://acme.example/x", False),
        ("https://.acme.example/x", False),
        ("https://a.b.acme.example/x", False),
        ("https://na1.acme.example.evil/x", False),
        ("https://na1.acme.example@evil/x", False),
        ("https://evil/.acme.example/x", False),
        ("https://evil?.acme.example/x", False),
        ("https://evil#.acme.example/x", False),
        ("https://evil\\.acme.example/x", False),
        ("https://me:pw@na1.acme.example/x", False),
        ("https://na1.acme-example/x", False),
        ("https://na1Xacme.example/x", False),
        ("https://*.acme.example/x", False),
    ],
)
def test_a_star_is_one_label(url, reached):
    assert bool(reaching([api_origin("https://*.acme.example")]).match(url)) == reached


def test_no_origins_reach_nothing():
    assert not reaching([]).match("https://acme.example/")


@pytest.mark.parametrize(
    ("url", "as_browsers_do"),
    [
        ("HTTPS://MCP.Acme.Example:443/Mcp?X=Y", "https://mcp.acme.example/Mcp?X=Y"),
        ("https://acme.example?x", "https://acme.example?x"),
        ("https://acme.example", "https://acme.example"),
        ("http://[::1]:80/a//b", "http://[::1]/a//b"),
        ("https://b\u00fccher.example:8443//", "https://xn--bcher-kva.example:8443//"),
    ],
)
def test_an_address_is_written_in_one_way(url, as_browsers_do):
    assert written(url) == as_browsers_do
