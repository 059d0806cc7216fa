"""Where people find the pictures of what was read."""

from __future__ import annotations


def preview_key(sha256: str, page: int = 1) -> str:
    """Where the small upright picture of a receipt's page lies in the results bucket; pages count from 1."""
    return f"{sha256}/preview.jpg" if page == 1 else f"{sha256}/preview-{page}.jpg"
