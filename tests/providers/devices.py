"""The device grant of the rogue provider (RFC 8628), strict about the pace of those who poll."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from providers.troubles import Reply

if TYPE_CHECKING:
    from providers.rogue import Family, RogueProvider

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
SLOWER = 5  # seconds that an early poll costs, for good
NOT_SAID = 5  # seconds that hold where no interval is said


@dataclass
class Device:
    """One that waits. ``pace``: seconds that have to lie between two polls."""

    device_code: str
    family: Family
    pace: float
    asked_at: float
    ends_at: float
    said: str = "authorization_pending"


class Devices:
    """What ``rogue.devices`` can be told: ``interval`` and ``complete`` (None, False: left out),
    ``expires_in``, and ``statuses``, the HTTP status of an error (400 where there is none).

    ``early`` counts the polls that came too soon, ``polls`` all of them.
    """

    def __init__(self, rogue: RogueProvider) -> None:
        self.interval: float | None = 5
        self.complete = True
        self.expires_in = 600
        self.statuses: dict[str, int] = {}
        self.early = 0
        self.polls = 0
        self._rogue = rogue
        self._waiting: dict[str, Device] = {}  # by user code

    def approve(self, user_code: str) -> None:
        """The person types the code, and says yes."""
        self._waiting[user_code].said = ""

    def deny(self, user_code: str) -> None:
        self._waiting[user_code].said = "access_denied"

    def authorize(self, family: Family) -> Reply:
        device_code = secrets.token_urlsafe(32)
        user_code = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}".upper()
        now = self._rogue.clock()
        self._waiting[user_code] = Device(
            device_code, family, self.interval or NOT_SAID, now, now + self.expires_in
        )
        place = f"{self._rogue.issuer}/device-page"
        answer: dict[str, Any] = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": place,
            "expires_in": self.expires_in,
        }
        if self.complete:
            answer["verification_uri_complete"] = f"{place}?user_code={user_code}"
        if self.interval is not None:
            answer["interval"] = self.interval
        return Reply.json(answer)

    def poll(self, device_code: str) -> Family | Reply:
        """The family to issue tokens for, or an error."""
        self.polls += 1
        device = next((d for d in self._waiting.values() if d.device_code == device_code), None)
        now = self._rogue.clock()
        if device is None:
            return self._error("invalid_grant")
        if now >= device.ends_at:
            return self._error("expired_token")
        early = now < device.asked_at + device.pace
        device.asked_at = now
        if early:
            self.early += 1
            device.pace += SLOWER
            return self._error("slow_down")
        if device.said:
            return self._error(device.said)
        device.device_code = ""  # once
        return device.family

    def _error(self, code: str) -> Reply:
        return Reply.json({"error": code}, self.statuses.get(code, 400))
