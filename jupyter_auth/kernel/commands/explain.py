"""``%auth explain``: the last response of any session in this kernel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_auth.core.errors import ConfigurationError
from jupyter_auth.kernel.session.explain import explain
from jupyter_auth.kernel.session.last_responses import last

if TYPE_CHECKING:
    from jupyter_auth.kernel.report import Report


def last_explained(name: str | None = None) -> Report:
    """``explain`` of the last response, or of the last one to the account of that provider.

    Raises:
        ConfigurationError: there was none, or it is not kept any more.
    """
    found = last(name)
    if found is None:
        to = f" with an account of {name}" if name else ""
        raise ConfigurationError(
            f"No session of this kernel has sent a request{to} yet.",
            hint="Send one, as in `response = session.get(url)`.",
        )
    response = found.response()
    if response is None:
        raise ConfigurationError(
            "The last response is gone, because no variable holds it.",
            hint="Assign it, as in `response = session.get(url)`, and run this again.",
        )
    return explain(response, found.session())
