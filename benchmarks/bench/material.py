"""Receipts to measure with: the rendered samples, each copy a content of its own."""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

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
    files = [file for file in originals(folder) if mixed or file.name == _MEASURED]
    bodies = [file.read_bytes() for file in files]
    return [unique(bodies[n % len(bodies)]) for n in range(count)]


def slip() -> bytes:
    """The picture of a very small receipt, quickly read: for what is about the way and not about the reading."""
    image = Image.new("L", (300, 150), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    for number, line in enumerate(("CORNER SHOP", "2026-11-20 14:05", "TOTAL 12.50 EUR")):
        draw.text((20, 15 + 42 * number), line, fill=0, font=font)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
