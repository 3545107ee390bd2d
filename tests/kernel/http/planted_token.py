"""What the tests of each client's ``auth`` share: one token, and where it must not go."""

from __future__ import annotations

from jupyter_auth.core.models import Token
from jupyter_auth.core.secret import Secret

PLANTED = "planted-token-5b0c7f"
API = "https://api.example.com"
LOOK_ALIKES = [
    "https://api.example.com.evil/x",
    "https://api.example.com@evil/x",
    "https://user:password@api.example.com/x",
    "https://evil@api.example.com/x",
    "https://api.example.com:8443/x",
    "https://api.example.com:4433/x",
    "https://api.example.com:80/x",
    "http://api.example.com/x",
    "http://api.example.com:443/x",
    "HTTPS://API.EXAMPLE.COM/x",
    "https://API.example.com/x",
    "https://api.example.com./x",
    "https://api.example.com.:443/x",
    "https://аpi.example.com/x",  # noqa: RUF001 (a Cyrillic a)
    "https://xn--pi-7kc.example.com/x",
    "https://api.example.com。evil/x",
    "https://api.example.com\\@evil/x",
    "https://api.example.com\\.evil/x",
    "https://api.example.com%2eevil/x",
    "https://api.example.com%00.evil/x",
    "https://api.example.com#@evil/x",
    "https://api.example.com?@evil/x",
    "https://api.example.com;@evil/x",
    "https://api.example.com",
    "https://example.com/x",
    "https://sub.api.example.com/x",
    "https://apiXexample.com/x",
    "https:api.example.com/x",
    "https:/api.example.com/x",
    "https:///api.example.com/x",
    " https://api.example.com/x",
    "//api.example.com/x",
    "ftp://api.example.com/x",
    "https://evil/?https://api.example.com/x",
    "https://evil/https://api.example.com/",
]


class Fixed:
    """A source of one token, for an API of any header."""

    def __init__(self, header="Authorization", value=f"Bearer {PLANTED}"):
        self.given = Token(access_token=Secret(PLANTED), headers={header: Secret(value)})

    def token(self, min_valid=0.0):  # noqa: ARG002
        return self.given

    def rejected(self, token):
        return token
