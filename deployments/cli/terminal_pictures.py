"""Pictures in a terminal: by its own protocol where it has one, else as coloured half blocks where it has the colours.

Protocols: iTerm2's inline images (iterm2.com/documentation-images.html; WezTerm and Konsole know them, too) and
kitty's graphics (sw.kovidgoyal.net/kitty/graphics-protocol).
"""

from __future__ import annotations

import base64
import io
import os
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment, Segments
from rich.style import Style

if TYPE_CHECKING:
    from PIL.Image import Image
    from rich.console import Console

_MOST_COLUMNS = 100
# The most bytes of base64 in one piece of kitty's protocol.
_PIECE = 4096


def show_picture(console: Console, image: Image) -> bool:
    """Show a picture, as wide as the terminal at most; returns whether the terminal can."""
    if not console.is_terminal:
        return False
    if os.environ.get("KITTY_WINDOW_ID"):
        console.file.write(_kitty(_png(image)) + "\n")
    elif os.environ.get("TERM_PROGRAM") in {"iTerm.app", "WezTerm"} or os.environ.get("KONSOLE_VERSION"):
        console.file.write(_iterm(_png(image)) + "\n")
    elif console.color_system == "truecolor":
        console.print(_half_blocks(image, min(console.width, _MOST_COLUMNS)), end="")
    else:
        return False
    return True


def _png(image: Image) -> str:
    data = io.BytesIO()
    image.save(data, "PNG")
    return base64.b64encode(data.getvalue()).decode()


def _iterm(data: str) -> str:
    return f"\x1b]1337;File=inline=1;preserveAspectRatio=1:{data}\x07"


def _kitty(data: str) -> str:
    pieces = [data[first : first + _PIECE] for first in range(0, len(data), _PIECE)]
    last = len(pieces) - 1
    return "".join(
        f"\x1b_G{'a=T,f=100,' if number == 0 else ''}m={int(number < last)};{piece}\x1b\\"
        for number, piece in enumerate(pieces)
    )


def _half_blocks(image: Image, columns: int) -> Segments:
    """Two pixels a character: the upper one is its colour, the lower one its background."""
    columns = min(columns, image.width)
    rows = max(2, round(image.height * columns / image.width / 2) * 2)
    small = image.convert("RGB").resize((columns, rows))
    data, width = small.tobytes(), 3 * columns
    segments = []
    for row in range(0, rows, 2):
        for column in range(columns):
            upper, lower = (_colour(data, (row + below) * width + 3 * column) for below in (0, 1))
            segments.append(Segment("▀", Style(color=upper, bgcolor=lower)))
        segments.append(Segment.line())
    return Segments(segments)


def _colour(data: bytes, first: int) -> Color:
    return Color.from_rgb(data[first], data[first + 1], data[first + 2])
