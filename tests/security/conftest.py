"""Fixtures of other suites, for the attacks on what they test."""

from __future__ import annotations

from kernel.conftest import configured, engine, home, kernel_api, session, signed_in

__all__ = ["configured", "engine", "home", "kernel_api", "session", "signed_in"]
