"""A device login that waits for its person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyter_auth.core.models import LoginRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from clock import Clock
    from jupyter_auth.core.engine import Engine
    from jupyter_auth.core.models import Login


@dataclass(frozen=True)
class Waiting:
    """A device login whose code a person has before them."""

    engine: Engine
    clock: Clock
    login: Login

    def poll(self) -> Login:
        """Wait until it is time, and ask; the login then."""
        self.clock.now = self.engine.login(self.login.id).next_poll_at
        return self.engine.device.poll(self.login.id)

    @property
    def pause(self) -> float:
        """Seconds until the next poll."""
        return self.engine.login(self.login.id).next_poll_at - self.clock.now

    @property
    def error(self) -> Mapping[str, Any] | None:
        """What the login says of its provider."""
        return self.engine.login(self.login.id).error


def begun(engine, clock, **asked) -> Waiting:
    login = engine.begin(LoginRequest("idp", grant="device_code", **asked))
    return Waiting(engine, clock, engine.device.start(login.id, confirm_by=None))
