"""What the programs behind the MCP servers share: applications on ports, until stdin ends.

A program reads its settings as one line of JSON from stdin and prints ``{"port": ...}`` once it
listens.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
import threading
from typing import Any

import uvicorn


def settings() -> dict[str, Any]:
    """What the test wants."""
    return json.loads(sys.stdin.readline())


def serve(applications: dict[int, Any]) -> None:
    """Run each at its port of 127.0.0.1; the first port is the one that is told."""
    listening = {port: socket.create_server(("127.0.0.1", port)) for port in applications}
    sys.stdout.write(json.dumps({"port": next(iter(applications))}) + "\n")
    sys.stdout.flush()
    threading.Thread(target=_leave_with_stdin, daemon=True).start()
    asyncio.run(_serve([(applications[port], at) for port, at in listening.items()]))


async def _serve(each: list[tuple[Any, socket.socket]]) -> None:
    # Longer than any test: a client must not meet a connection that is just being closed.
    common = {"log_level": "warning", "timeout_keep_alive": 300, "ws": "none"}
    servers = [(uvicorn.Server(uvicorn.Config(app, **common)), at) for app, at in each]
    await asyncio.gather(*(server.serve(sockets=[at]) for server, at in servers))


def _leave_with_stdin() -> None:
    sys.stdin.read()
    os._exit(0)
