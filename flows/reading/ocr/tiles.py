"""Long pages in overlapping tiles: on one small copy of a receipt of two metres no line could be found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from flows.reading.ocr.geometry import Floats

# In short sides of the page. Up to 6.4 the whole page was read as well from one copy (supermarket receipts rendered
# 1,000 pixels wide); from 8.5 on no line was found on it.
_LONGEST_WHOLE = 4.5
_TILE, _OVERLAP = 2.5, 0.3


@dataclass(frozen=True)
class Tile:
    """A part of the page, in pixels, and its core: the part of it that no other tile's core covers."""

    rows: slice
    columns: slice
    core_rows: tuple[float, float]
    core_columns: tuple[float, float]

    def has(self, points: Floats) -> NDArray[np.bool_]:
        """Tell which points (x, y) lie in the core."""
        (top, bottom), (left, right) = self.core_rows, self.core_columns
        x, y = points[:, 0], points[:, 1]
        inside: NDArray[np.bool_] = (x >= left) & (x < right) & (y >= top) & (y < bottom)
        return inside


def tiles_of(height: int, width: int) -> Sequence[Tile]:
    """Return the tiles of a page, one for a page of usual shape."""
    short, long = sorted((height, width))
    if long <= _LONGEST_WHOLE * max(short, 1):
        return (Tile(slice(0, height), slice(0, width), _ALL, _ALL),)
    spans = _spans(long, short)
    if height >= width:
        return tuple(Tile(part, slice(0, width), core, _ALL) for part, core in spans)
    return tuple(Tile(slice(0, height), part, _ALL, core) for part, core in spans)


_ALL = (-np.inf, np.inf)


def _spans(long: int, short: int) -> list[tuple[slice, tuple[float, float]]]:
    """Equal spans along the long side with their cores, which meet in the middle of each overlap."""
    length, overlap = _TILE * short, _OVERLAP * short
    count = int(np.ceil((long - overlap) / (length - overlap)))
    step = (long - length) / (count - 1)
    starts = [round(index * step) for index in range(count)]
    spans = [slice(start, min(long, round(start + length))) for start in starts]
    cuts = [(one.stop + other.start) / 2 for one, other in pairwise(spans)]
    return list(zip(spans, zip([-np.inf, *cuts], [*cuts, np.inf], strict=True), strict=True))
