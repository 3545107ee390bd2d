"""Each preset is complete: it can be built, and says how a person gets a client there."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest

from jupyter_auth.core.provider import guides
from jupyter_auth.core.provider.definitions import provider_from_mapping
from jupyter_auth.core.provider.presets import DIRECTORY, PRESETS

EXAMPLES = {"host": "acme.example:8443", "segment": "acme", "url": "https://acme.example/iam/"}
# Words that a service itself publishes as the secret of a client that everybody may use.
PUBLISHED = {"snowflake": "LOCAL_APPLICATION"}
WITHOUT_A_FORM = {"insiders", "insideview"}  # people there give clients out


def made(name, **fields):
    declared = PRESETS[name].get("placeholders", {})
    values = {key: EXAMPLES[each.get("kind", "host")] for key, each in declared.items()}
    return provider_from_mapping(name, {**fields, **({"set": values} if values else {})})


@pytest.mark.parametrize("name", PRESETS)
def test_it_is_built_with_an_example_for_each_placeholder(name):
    provider = made(name)
    assert provider.unset == ()
    assert PRESETS[name]["title"] == provider.title
    assert urlsplit(provider.address).scheme == "https"
    assert all(origin.startswith("https://") for origin in provider.api_origins)
    assert "{" not in "".join([provider.address, provider.base_url or "", *provider.api_origins])


@pytest.mark.parametrize("name", PRESETS)
def test_its_guide_is_complete_or_none_is_needed(name):
    provider = made(name)
    guide = provider.register
    if guide is None:  # it brings a client, or there is one for service accounts alone
        brought = provider.client_id or provider.credentials_from
        assert brought or provider.service is not None or name in WITHOUT_A_FORM
        return
    assert 1 <= len(guide.says) <= 3
    assert all(re.fullmatch(r"[A-Z].*[.?]", each) for each in guide.says)
    if guide.client != "none" and name not in WITHOUT_A_FORM:
        assert guide.url
        assert guide.url.startswith("https://")
    uri = guides.redirect_uri(provider)
    assert "{" not in "".join(guides.steps(guide, uri))
    comes_back = guide.client != "none" and provider.service is None
    if comes_back and urlsplit(uri).path.endswith(f"/callback/{name}"):
        assert uri in " ".join(guides.steps(guide, uri)), "where the redirect URI goes"


@pytest.mark.parametrize("name", PRESETS)
def test_a_guide_for_one_kind_of_client_is_for_one_that_works(name):
    provider = made(name, client_id="x")
    kind = provider.register.client if provider.register else "either"
    authenticated = provider.client_auth in {"basic", "post"}
    if kind == "public":
        assert not authenticated or provider.public_grants or provider.client_secret
    if kind == "confidential":
        assert authenticated


@pytest.mark.parametrize("name", PRESETS)
def test_no_preset_has_a_secret_that_is_one(name):
    secret = made(name).client_secret
    assert (secret.reveal() if secret else None) == PUBLISHED.get(name)


@pytest.mark.parametrize("name", PRESETS)
def test_what_is_not_verified_is_a_comment_that_says_so(name):
    text = (DIRECTORY / f"{name}.toml").read_text(encoding="utf-8")
    for line in text.splitlines():
        assert "[?]" not in line or line.lstrip().startswith("#")
