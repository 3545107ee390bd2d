"""A token store in memory, for engines of tests."""

from jupyter_auth.kernel.pyodide.memory_store import MemoryStore

__all__ = ["MemoryStore"]
