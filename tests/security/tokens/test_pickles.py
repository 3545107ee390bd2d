"""No pickle carries a token (SECURITY 13)."""

from __future__ import annotations

import pickle

import pytest

from jupyter_auth.core.models import Token
from jupyter_auth.core.secret import Secret
from jupyter_auth.kernel.http.token_cache import CachedTokens


class Nobody:
    """Accounts that nobody asks for anything."""


def test_tokens_of_a_service_account_are_not_pickled():
    def issued(*_: str, **__: object) -> Token:
        return Token(access_token=Secret("planted"), headers={})

    with pytest.raises(TypeError, match="pickle their session"):
        pickle.dumps(CachedTokens(Nobody(), "idp", get=issued))
