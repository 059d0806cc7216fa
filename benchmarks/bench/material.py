"""Receipts to measure with: the rendered samples, each copy a content of its own."""

from __future__ import annotations

import os
from pathlib import Path

from deployments.samples import render_samples

# One receipt of moderate size in one format, so that a hundred first and a hundred last of a backlog are the same work.
_MEASURED = "de-supermarkt.jpg"


def originals(folder: Path) -> list[Path]:
    """The JPEG samples, rendered once into the folder."""
    if not (folder / "truth.json").exists():
        render_samples(folder)
    return sorted(folder.glob("*.jpg"))


def unique(body: bytes) -> bytes:
    """The same picture as another content: JPEG readers stop at the end marker, the hash does not."""
    return body + os.urandom(16)


def batch(folder: Path, count: int, *, mixed: bool = True) -> list[bytes]:
    """So many distinct receipts; `mixed` goes round the samples, else they are all of one picture."""
    files = originals(folder) if mixed else [folder / _MEASURED]
    bodies = [file.read_bytes() for file in files]
    return [unique(bodies[n % len(bodies)]) for n in range(count)]
