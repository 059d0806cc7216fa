"""Receipts to measure with: the samples, each copy a purchase of its own.

Copies differ by the printed day and not only by their bytes: two photos of the same purchase would go to review.
"""

from __future__ import annotations

import datetime as dt
import io
import os
from dataclasses import replace
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from deployments.samples.catalogue import CATALOGUE
from deployments.samples.model import SampleReceipt
from deployments.samples.render import render_receipt

# One receipt of moderate size in one format, so that a hundred first and a hundred last of a backlog are the same work.
_MEASURED = "de-supermarkt.jpg"
_SLIPS_FROM = dt.datetime(2026, 11, 20, 14, 5)  # noqa: DTZ001 - a receipt prints local time


class Receipts:
    """The JPEG samples, printed on days of their own.

    Args:
        folder: Where they are rendered; nothing of it is kept.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path, self._printed = folder / "rendered.jpg", 0

    def batch(self, count: int, *, mixed: bool = True) -> list[bytes]:
        """So many receipts, none of them a purchase that was handed out before; `mixed` goes round the samples."""
        wanted = [one for one in CATALOGUE if one.name.endswith(".jpg") and (mixed or one.name == _MEASURED)]
        return [self._print(wanted[number % len(wanted)]) for number in range(count)]

    def _print(self, base: SampleReceipt) -> bytes:
        self._printed += 1
        render_receipt(replace(base, when=base.when - dt.timedelta(days=self._printed)), self._path)
        return _unique(self._path.read_bytes())


def slip(number: int) -> bytes:
    """The picture of a very small receipt, quickly read: for what is about the way and not about the reading.

    Each `number` is another minute.
    """
    printed = f"{_SLIPS_FROM - dt.timedelta(minutes=number):%Y-%m-%d %H:%M}"
    image = Image.new("L", (300, 150), 255)
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(22)
    for row, line in enumerate(("CORNER SHOP", printed, "TOTAL 12.50 EUR")):
        draw.text((20, 15 + 42 * row), line, fill=0, font=font)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return _unique(buffer.getvalue())


def _unique(body: bytes) -> bytes:
    """The same picture as another content: JPEG readers stop at the end marker, the hash does not."""
    return body + os.urandom(16)
