"""Where an API is, as its provider says with the tokens (``base_url_from``)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from jupyter_auth.core.common.shown_text import plain_text
from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.core.protocol import claims
from jupyter_auth.core.provider.kinds import FIELD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_SHOWN = 100  # characters of an address


def api_address(
    template: str, fields: Mapping[str, Any], at_api: Callable[[str], bool]
) -> str | None:
    """The ``template`` with these fields of a token response in it; None if it lacks one.

    A field is a URL at the beginning of the template, else one segment of its path.

    Raises:
        ConfigurationError: it is at another origin than the token may be sent to (SECURITY 12).
    """
    said = {name: claims.text(claims.at(fields, name)) for name in re.findall(FIELD, template)}
    if not all(said.values()):
        return None

    def value(found: re.Match[str]) -> str:
        text = said[found[1]] or ""
        return text if found.start() == 0 else quote(text, safe="")

    url = re.sub(FIELD, value, template)
    if not at_api(f"{url.rstrip('/')}/"):
        raise ConfigurationError(
            f"The provider says that the API is at {plain_text(url, MAX_SHOWN)}, where the token"
            " may not be sent. Nothing was sent.",
            hint="If that is right, add its origin to `api_origins` of the provider.",
        )
    return url
