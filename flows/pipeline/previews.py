"""Where people find the picture of what was read."""

from __future__ import annotations


def preview_key(sha256: str) -> str:
    """Where the small upright picture of a receipt's first page lies in the results bucket."""
    return f"{sha256}/preview.jpg"
