"""What a page holds as text beside its picture."""

from __future__ import annotations

from dataclasses import dataclass

PixelBox = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(frozen=True)
class OwnText:
    """The words of a page in its own order, each with its box in pixels of the page's picture.

    Attributes:
        doubtful: Some of the text cannot be told, so that the page has to be read.
        laid_out: The picture was drawn from the words, so that there is nothing to doubt.
    """

    words: tuple[tuple[str, PixelBox], ...] = ()
    doubtful: bool = False
    laid_out: bool = False


NO_TEXT = OwnText()
