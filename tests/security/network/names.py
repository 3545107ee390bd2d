"""Where names lead, as a test has it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest


class Names:
    """A name server: where each name leads, the next time it is asked; and how often it was."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, list[str]] = {}
        self._real = socket.getaddrinfo
        monkeypatch.setattr(socket, "getaddrinfo", self._look_up)

    def _look_up(self, host: Any, *args: Any, **options: Any) -> Any:
        if not (answers := self.answers.get(host)) or options.get("flags"):
            return self._real(host, *args, **options)
        self.asked.append(host)
        return self._real(answers.pop(0) if len(answers) > 1 else answers[0], *args, **options)
