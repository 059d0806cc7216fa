"""A PDF page's own text, held against the pixels: each of its words has print under it, and print that is none of
them is named, to be read by OCR.

A PDF can lie: text can be hidden, white, off the page, tiny, under a picture, or one on top of another. Where any word
fails, none is believed. That the letters drawn are the ones that the text says is checked by `confirm`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.domain.fields import BBox, Word
from flows.reading.documents import PageImage

Grey = NDArray[np.uint8]

_SURE = 1.0
_MIN_CHARACTERS = 12  # letters and digits; a page with fewer is a picture with a caption
_MIN_HEIGHT_PX = 8.0  # of a character with its room above and below: 3 points at 200 dpi, which nobody can read
_MIN_CONTRAST = 70  # grey levels between print and paper
_MOST_INK = 0.75  # share of a word's box that is print: more is a bar that covers it
_MIN_INKED_SHARE = 0.75  # of a word's characters that have print under them
_MAX_OVERLAP = 0.5  # of the smaller of two words' boxes
_MAX_WORDS = 3000
# On a copy of half the size, 100 dpi: smaller marks are dots and rules.
_EDGE_LEVELS, _MARK_PX, _FRAME_FILL = 40, 7, 0.12
_REACH_PX = (9, 3)  # letters nearer than this are one line of print
_MAX_REGIONS, _MAX_SHARE = 8, 0.25  # more print beside the text than this: the page is a picture


@dataclass(frozen=True)
class DrawnText:
    """Words that are drawn where the text says, and boxes of print that is not in the text."""

    words: tuple[Word, ...]
    elsewhere: tuple[BBox, ...]


def drawn_text(page: PageImage) -> DrawnText | None:
    """Return the page's own words where every one of them has print under it; None where the page has to be read."""
    if page.own.laid_out:
        return DrawnText(tuple(Word(text=text, confidence=_SURE, bbox=BBox(*box)) for text, box in page.own.words), ())
    if page.own.doubtful or not 0 < len(page.own.words) <= _MAX_WORDS:
        return None
    if sum(char.isalnum() for text, _ in page.own.words for char in text) < _MIN_CHARACTERS:
        return None
    grey = np.asarray(page.image.convert("L"), dtype=np.uint8)
    boxes = [BBox(*box) for _, box in page.own.words]
    drawn = all(_is_drawn(grey, text, box) for (text, _), box in zip(page.own.words, boxes, strict=True))
    if not drawn or _overlap(boxes):
        return None
    elsewhere = _other_print(grey, boxes)
    if elsewhere is None:
        return None
    words = tuple(
        Word(text=text, confidence=_SURE, bbox=box) for (text, _), box in zip(page.own.words, boxes, strict=True)
    )
    return DrawnText(words, elsewhere)


def _is_drawn(grey: Grey, text: str, box: BBox) -> bool:
    """Tell whether there is print under nearly every character of a word, and paper between."""
    height, width = grey.shape
    if min(box.left, box.top) < -1 or box.right > width + 1 or box.bottom > height + 1:
        return False
    part = grey[max(0, int(box.top)) : int(box.bottom) + 1, max(0, int(box.left)) : int(box.right) + 1]
    if box.bottom - box.top < _MIN_HEIGHT_PX or part.shape[1] < 2:
        return False
    low, high = int(part.min()), int(part.max())
    if high - low < _MIN_CONTRAST:
        return False
    dark = part < (low + high) / 2
    ink = dark if dark.mean() <= 0.5 else ~dark
    if ink.mean() > _MOST_INK:
        return False
    slices = np.array_split(ink.any(axis=0), min(len(text), part.shape[1]))
    return sum(bool(each.any()) for each in slices) >= _MIN_INKED_SHARE * len(slices)


def _overlap(boxes: list[BBox]) -> bool:
    """Tell whether a word lies on another one: only one of them can be seen."""
    ordered = sorted(boxes, key=lambda box: box.left)
    for index, one in enumerate(ordered):
        for other in ordered[index + 1 :]:
            if other.left >= one.right:
                break
            wide = min(one.right, other.right) - other.left
            high = min(one.bottom, other.bottom) - max(one.top, other.top)
            smaller = min(_area(one), _area(other))
            if high > 0 and wide * high > _MAX_OVERLAP * max(smaller, 1.0):
                return True
    return False


def _area(box: BBox) -> float:
    return (box.right - box.left) * (box.bottom - box.top)


def _other_print(grey: Grey, boxes: list[BBox]) -> tuple[BBox, ...] | None:
    """Return where print stands that none of the boxes covers; None where it is too much."""
    small = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    edges: Any = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > _EDGE_LEVELS
    for box in boxes:
        left, top, right, bottom = (round(side / 2) for side in box)
        edges[max(0, top - 3) : bottom + 4, max(0, left - 3) : right + 4] = False
    joined = cv2.dilate(edges.astype(np.uint8), np.ones(_REACH_PX[::-1], np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    regions = [_region(row) for row in stats[1:] if _is_print(row)]
    share = sum(_area(box) for box in regions) / max(grey.size, 1)
    return tuple(regions) if len(regions) <= _MAX_REGIONS and share <= _MAX_SHARE else None


def _is_print(row: NDArray[np.int32]) -> bool:
    """Tell whether a patch of edges may be letters: no dot, no rule, no frame."""
    width, height, area = (int(row[column]) for column in (cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT, cv2.CC_STAT_AREA))
    grown_x, grown_y = _REACH_PX[0] - 1, _REACH_PX[1] - 1
    if min(width - grown_x, height - grown_y) < _MARK_PX:
        return False
    return area >= _FRAME_FILL * width * height


def _region(row: NDArray[np.int32]) -> BBox:
    left, top, width, height = (
        int(row[column]) for column in (cv2.CC_STAT_LEFT, cv2.CC_STAT_TOP, cv2.CC_STAT_WIDTH, cv2.CC_STAT_HEIGHT)
    )
    return BBox(2.0 * left, 2.0 * top, 2.0 * (left + width), 2.0 * (top + height))
