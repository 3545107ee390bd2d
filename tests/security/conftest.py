"""Fixtures of other suites, for the attacks on what they test."""

from __future__ import annotations

from kernel.conftest import configured, door, engine, home, session, signed_in

__all__ = ["configured", "door", "engine", "home", "session", "signed_in"]
