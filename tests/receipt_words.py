"""Lays printed lines out as OCR words, in the two shapes that engines give: whole lines, or single words."""

from __future__ import annotations

import datetime as dt
import math
import re

from flows.domain.fields import BBox, DocumentText, Page, ReceiptFields, Word
from flows.reading.parser import Hints, parse_receipt

CHAR_WIDTH, LINE_HEIGHT, GLYPH_HEIGHT = 14.0, 40.0, 28.0
TODAY = dt.date(2026, 11, 22)


def page_of(
    text: str, *, shape: str = "lines", tilt_degrees: float = 0.0, number: int = 1, confidence: float = 0.99
) -> Page:
    """Lay the lines of `text` out in a monospaced grid; two spaces part columns, as a line engine sees them."""
    lines = text.strip("\n").split("\n")
    pattern = r"\S+" if shape == "words" else r"\S+(?: \S+)*"
    words = [
        _word(match.group(), match.start(), row, tilt_degrees, confidence)
        for row, line in enumerate(lines)
        for match in re.finditer(pattern, line)
    ]
    return Page(number=number, width=1000, height=int(LINE_HEIGHT * (len(lines) + 4)), words=tuple(words))


def _word(text: str, column: int, row: int, tilt_degrees: float, confidence: float) -> Word:
    left, top = 20 + column * CHAR_WIDTH, 40 + row * LINE_HEIGHT
    right = left + len(text) * CHAR_WIDTH
    slope = math.tan(math.radians(tilt_degrees))
    rise, fall = sorted((left * slope, right * slope))
    return Word(text=text, confidence=confidence, bbox=BBox(left, top + rise, right, top + fall + GLYPH_HEIGHT))


def document(*pages: Page) -> DocumentText:
    return DocumentText(sha256="0" * 64, media_type="image/jpeg", engine="test", engine_version="1", pages=pages)


def read(text: str, *, shape: str = "lines", tilt_degrees: float = 0.0, hints: Hints | None = None) -> ReceiptFields:
    """Parse the laid out text."""
    return parse_receipt(document(page_of(text, shape=shape, tilt_degrees=tilt_degrees)), today=TODAY, hints=hints)
