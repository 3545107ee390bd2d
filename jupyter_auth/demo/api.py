"""The protected API: who is signed in, and a day of measurements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from flask import jsonify, request

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.typing import ResponseReturnValue

ME, MEASUREMENTS = "/api/me", "/api/measurements"
PATHS = (ME, MEASUREMENTS)


def serve(app: Flask, claims_of: Callable[[str], dict[str, Any] | None]) -> None:
    """Add the API. ``claims_of``: the claims for an ``Authorization`` header, or None."""

    @app.get(ME)
    def me() -> ResponseReturnValue:
        claims = claims_of(request.headers.get("Authorization", ""))
        if claims is None:
            return refused()
        return jsonify(name=claims.get("name"), email=claims.get("email"), id=claims["sub"])

    @app.get(MEASUREMENTS)
    def measurements() -> ResponseReturnValue:
        if claims_of(request.headers.get("Authorization", "")) is None:
            return refused()
        return jsonify(station="Harbour", quantity="water temperature", unit="°C", values=_day())


def refused() -> ResponseReturnValue:
    """The response to an invalid token (RFC 6750 3.1)."""
    header = {"WWW-Authenticate": 'Bearer realm="demo", error="invalid_token"'}
    return jsonify(error="invalid_token"), 401, header


def _day() -> list[dict[str, Any]]:
    """Coldest at five in the morning, warmest in the afternoon."""
    return [
        {
            "time": f"{hour:02}:00",
            "value": round(13.5 - 4.5 * math.cos((hour - 5) * math.pi / 12), 1),
        }
        for hour in range(0, 24, 2)
    ]
