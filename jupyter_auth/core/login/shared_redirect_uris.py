"""Redirect URIs that several providers share: their responses must name their issuer.

RFC 9700 4.4 (mix-up): a provider can send the browser on to another one, whose code would then be
taken for its own. Each provider has its own callback, except where one redirect URI is fixed for
several, and where notebooks define several providers of one name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers

RANK = {"configured": 0, "user": 1, "found": 1, "preset": 1, "code": 2}


def others_at(providers: Providers, name: str, redirect_uri: str) -> list[str]:
    """Other providers that use this redirect URI, and rank at least as high.

    So a provider defined in a notebook cannot block a configured one.
    """
    known = {info.name: info.source for info in providers.all() if info.source in RANK}
    known |= dict.fromkeys(providers.made_in_code(), "code")
    mine = RANK[providers.info(name).source]
    near = [each for each, source in known.items() if each != name and RANK[source] <= mine]
    return [each for each in near if _is_answered_at(providers, each, redirect_uri)]


def _is_answered_at(providers: Providers, name: str, redirect_uri: str) -> bool:
    try:
        return providers.get(name).is_answered_at(redirect_uri)
    except ConfigurationError:
        return False  # it cannot be used to sign in


def must_name_issuer(party: Party, others: Iterable[Party | None], redirect_uri: str) -> bool:
    """Whether the response must name its issuer (RFC 9207): one of ``others`` could send it.

    None among them: one whose endpoints are not known. One with the same token endpoint counts as
    the same provider.

    Raises:
        ConfigurationError: the responses could not be told apart.
    """
    mine, title = party.endpoints, party.provider.title
    apart = [o for o in others if o is None or o.endpoints.token_endpoint != mine.token_endpoint]
    for each in filter(None, apart):
        if each.endpoints.authorization_endpoint == mine.authorization_endpoint:
            raise ConfigurationError(
                f"{title} and {each.provider.title} share an authorization endpoint, but not the"
                " token endpoint.",
                hint="Check the `token_endpoint` of the provider.",
            )
    alike = mine.issuer in {each.endpoints.issuer for each in apart if each}
    named = mine.issuer and mine.authorization_response_iss_parameter_supported and not alike
    if apart and not named:
        own = "Register another redirect URI for it, and set that as `redirect_uri`."
        raise ConfigurationError(
            f"{title} and another provider share the redirect URI {redirect_uri}, and {title} does"
            " not name itself in its responses, or not by a name of its own (RFC 9207).",
            hint=own if party.provider.redirect_uri else "Give it another name.",
        )
    return bool(apart)
