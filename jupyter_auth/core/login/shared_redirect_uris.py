"""One redirect URI, several providers: whose answer arrives there has to be told apart.

RFC 9700 4.4 (mix-up): a provider can send the browser on to another one, whose code would then be
taken for its own. Each has a callback of its own, but for a URI that is fixed for several, and for
those that notebooks make under one name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from jupyter_auth.core.protocol.parties import Party
    from jupyter_auth.core.provider.registry import Providers

RANK = {"configured": 0, "user": 1, "preset": 1, "code": 2}


def others_at(providers: Providers, name: str, redirect_uri: str) -> list[str]:
    """The others whose answers arrive there too, of those that count as much as ``name``.

    What a notebook makes cannot get in the way of what is configured.
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
        return False  # nobody signs in there


def must_name_issuer(party: Party, others: Iterable[Party | None], redirect_uri: str) -> bool:
    """Whether an answer has to say whose it is (RFC 9207): one of ``others`` could send it.

    None stands for one that does not say where it answers. One whose codes go to the same token
    endpoint is no other one. ConfigurationError: these answers could not be told apart.
    """
    mine, title = party.endpoints, party.provider.title
    apart = [o for o in others if o is None or o.endpoints.token_endpoint != mine.token_endpoint]
    for each in filter(None, apart):
        if each.endpoints.authorization_endpoint == mine.authorization_endpoint:
            raise ConfigurationError(
                f"{title} asks at {each.provider.title}'s page for a code, and sends it elsewhere.",
                hint="Check the token_endpoint of the provider.",
            )
    if apart and not (mine.issuer and mine.authorization_response_iss_parameter_supported):
        own = "Register an address of its own there, and set it as redirect_uri."
        raise ConfigurationError(
            f"{title} comes back to {redirect_uri} as another provider does, and its answer doesn't"
            " say whose it is.",
            hint=own if party.provider.redirect_uri else "Give it another name.",
        )
    return bool(apart)
