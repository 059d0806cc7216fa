"""Text as pages: lines in a monospaced grid, drawn, each word with its box.

So a receipt that never was a picture goes the way of all others: people see a page, and values have places on it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence

import fontpkg.pil
from PIL import Image, ImageDraw

from flows.reading.documents.errors import TooLargeError, TooManyPagesError
from flows.reading.documents.limits import Limits
from flows.reading.documents.own_text import OwnText, PixelBox

MAX_CHARACTERS = 2_000_000
_COLUMNS, _LINES = 120, 120  # of a page
_SIZE_PX, _PITCH_PX, _MARGIN_PX = 20, 30, 30
_CELL_PX = 12  # of a character; Roboto Mono's are 0.6 of its size wide
_INK, _PAPER = 20, 255


class TextPages:
    """Lines of text as pages of 120 lines.

    Args:
        lines: What stands on them; a line that is too long is broken.
        attachments: The text of XML files that come with it.

    Raises:
        TooManyPagesError: more lines than the pages that are accepted hold.
        TooLargeError: more characters than any receipt has.
    """

    def __init__(self, lines: Sequence[str], limits: Limits, attachments: tuple[str, ...] = ()) -> None:
        size = sum(map(len, lines))
        if size > MAX_CHARACTERS:
            raise TooLargeError("characters", size, MAX_CHARACTERS)
        self._lines = [part for line in lines for part in _broken(line)]
        self.count = max(1, -(-len(self._lines) // _LINES))
        self.attachments = attachments
        if self.count > limits.max_pages:
            raise TooManyPagesError(limits.max_pages)

    def page(self, number: int) -> tuple[Image.Image, float, OwnText]:
        """Page `number`, from 1, as it is drawn, with its words."""
        lines = self._lines[(number - 1) * _LINES : number * _LINES]
        columns = max([30, *map(len, lines)])
        size = columns * _CELL_PX + 2 * _MARGIN_PX, len(lines) * _PITCH_PX + 2 * _MARGIN_PX
        image = Image.new("L", size, _PAPER)
        draw, font = ImageDraw.Draw(image), fontpkg.pil.truetype("Roboto Mono", _SIZE_PX, weight=400)
        words: list[tuple[str, PixelBox]] = []
        for row, line in enumerate(lines):
            for match in re.finditer(r"\S+", line):
                box = _box(match.start(), match.end(), row)
                draw.text((box[0], box[1]), match[0], fill=_INK, font=font)
                words.append((match[0], box))
        return image, 1.0, OwnText(tuple(words), laid_out=True)


def _broken(line: str) -> list[str]:
    if len(line) <= _COLUMNS:
        return [line]
    return textwrap.wrap(line, _COLUMNS, drop_whitespace=True) or [""]


def _box(start: int, end: int, row: int) -> PixelBox:
    left, top = _MARGIN_PX + start * _CELL_PX, _MARGIN_PX + row * _PITCH_PX
    return float(left), float(top), float(_MARGIN_PX + end * _CELL_PX), float(top + _SIZE_PX + 4)
