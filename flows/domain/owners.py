"""Whose a receipt is where only its key tells."""

from __future__ import annotations

DEFAULT_OWNER = "default"


def owner_of(key: str) -> str:
    """The owner that a key names by its first folder, or the default owner."""
    first, slash, _rest = key.lstrip("/").partition("/")
    return first if slash and first else DEFAULT_OWNER
