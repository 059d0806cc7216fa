"""The words that a PDF page holds as text, with the boxes in pixels at which they are drawn.

Runs inside the renderer's process. Nothing here is believed yet: text that is invisible by its own settings is left out
(an OCR layer over a scan is), and `flows.reading.digital` holds the rest against the pixels.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from ctypes import byref, c_int, c_uint
from typing import Any

from pdfium import INVISIBLE_MODES, Rect  # type: ignore[import-not-found]  # beside this file; see pdf_renderer

_MAX_CHARACTERS = 20_000  # a page of dense print has 6,000; more is no receipt and is read as a picture
_MIN_ALPHA = 64  # of 255; fainter is not seen
_MAX_ANGLE = 0.02  # radians; text that runs elsewhere is left to OCR
_WORD_GAP, _LINE_GAP = 0.25, 0.5  # in heights of the characters

Box = tuple[float, float, float, float]  # left, bottom, right, top in points


class PageText:
    """A page's own words.

    Args:
        library: PDFium.
        page: The loaded page.
        size: Width and height in pixels at which it is drawn.

    Attributes:
        words: Each word with its box, left, top, right and bottom in pixels.
        doubtful: Some of the text cannot be mapped or runs askew, so that OCR has to read the page.
    """

    def __init__(self, library: Any, page: int, size: tuple[int, int]) -> None:
        self._library, self._page, self._size = library, page, size
        self._seen: dict[int, bool] = {}
        self.words: list[tuple[str, list[int]]] = []
        self.doubtful = False
        text = library.FPDFText_LoadPage(page)
        count = library.FPDFText_CountChars(text) if text else -1
        if 0 <= count <= _MAX_CHARACTERS:
            self.words = [(word, self._in_pixels(box)) for word, box in self._runs(text, count)]
        else:
            self.doubtful = True
        if text:
            library.FPDFText_ClosePage(text)

    def _runs(self, text: int, count: int) -> Iterator[tuple[str, Box]]:
        said, around = "", (0.0, 0.0, 0.0, 0.0)
        for index in range(count):
            character = chr(self._library.FPDFText_GetUnicode(text, index))
            box = self._box(text, index) if unicodedata.category(character)[0] not in "ZC" else None
            if said and (box is None or not _follows(around, box)):
                yield said, around
                said = ""
            self.doubtful = self.doubtful or self._is_doubtful(text, index, character)
            if box is not None:
                around = _around(around, box) if said else box
                said += character
        if said:
            yield said, around

    def _box(self, text: int, index: int) -> Box | None:
        """Return where a character is drawn; None where it is not."""
        rect = Rect()
        if not self._is_visible(text, index) or not self._library.FPDFText_GetLooseCharBox(text, index, byref(rect)):
            return None
        return rect.left, rect.bottom, rect.right, rect.top

    def _is_doubtful(self, text: int, index: int, character: str) -> bool:
        if character in "\r\n ":
            return False
        unmapped = unicodedata.category(character) in {"Co", "Cn"} or character in "\0\ufffd"
        askew = abs(self._library.FPDFText_GetCharAngle(text, index)) > _MAX_ANGLE
        return unmapped or askew or self._library.FPDFText_HasUnicodeMapError(text, index) == 1

    def _is_visible(self, text: int, index: int) -> bool:
        if self._library.FPDFText_IsGenerated(text, index) == 1:
            return False
        drawn = self._library.FPDFText_GetTextObject(text, index)
        if drawn not in self._seen:
            self._seen[drawn] = bool(drawn) and self._is_drawn(drawn)
        return self._seen[drawn]

    def _is_drawn(self, drawn: int) -> bool:
        if self._library.FPDFTextObj_GetTextRenderMode(drawn) in INVISIBLE_MODES:
            return False
        colour = [c_uint(255) for _ in range(4)]
        self._library.FPDFPageObj_GetFillColor(drawn, *(byref(part) for part in colour))
        return colour[3].value >= _MIN_ALPHA

    def _in_pixels(self, box: Box) -> list[int]:
        left, bottom, right, top = box
        (x0, y0), (x1, y1) = self._to_pixels(left, top), self._to_pixels(right, bottom)
        return [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]

    def _to_pixels(self, x: float, y: float) -> tuple[int, int]:
        to_x, to_y = c_int(), c_int()
        self._library.FPDF_PageToDevice(self._page, 0, 0, *self._size, 0, x, y, byref(to_x), byref(to_y))
        return to_x.value, to_y.value


def _follows(around: Box, box: Box) -> bool:
    """Tell whether a character stands right behind the word so far."""
    height = max(around[3] - around[1], box[3] - box[1], 0.1)
    level = abs((box[1] + box[3]) - (around[1] + around[3])) / 2 < _LINE_GAP * height
    return level and -_LINE_GAP * height < box[0] - around[2] < _WORD_GAP * height and box[2] > around[0]


def _around(one: Box, other: Box) -> Box:
    return min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3])
