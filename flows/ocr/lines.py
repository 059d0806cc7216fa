"""Text lines as quads: the direction that they run in, their pixels, and their reading order."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.ocr.geometry import Floats, side_lengths
from flows.vocabulary import Word

# A line counts for the page's direction when it is clearly longer than high.
_MIN_ASPECT = 1.8
# Below this tilt the page is left as it is: a turned picture is no better and costs its sharpness.
_MIN_TILT_DEGREES = 0.3
# In heights of the line. Detection's own margin already hides about as much of a gap.
_JOIN_GAP = 0.25
_END_ROOM = 0.2
# What the recognition models take. RapidOCR pads every line to 320; these two read short lines as well for 0.58 of
# the CPU (330 short lines of real scans; with no room at all, 3 of 4 differing lines got worse).
LINE_HEIGHT_PX = 48
_ROOM_BEHIND_PX = 48
_MIN_LINE_PX = 160


def page_turn(quads: Floats) -> float:
    """Clockwise degrees that make the lines level, up to a half turn: 0 or 90 by their shape, and their tilt."""
    widths, heights = side_lengths(quads)
    clear = np.maximum(widths, heights) >= _MIN_ASPECT * np.minimum(widths, heights)
    if not clear.any():
        return 0.0
    sideways = widths[clear & (heights > widths)].size and (
        heights[clear & (heights > widths)].sum() > widths[clear & (widths > heights)].sum()
    )
    axis = quads[clear][:, 3] - quads[clear][:, 0] if sideways else quads[clear][:, 1] - quads[clear][:, 0]
    matching = clear[clear] & ((heights > widths) == bool(sideways))[clear]
    angles = np.rad2deg(np.arctan2(axis[matching][:, 1], axis[matching][:, 0]))
    tilt = _weighted_median(angles, np.linalg.norm(axis[matching], axis=1))
    if sideways:
        return -tilt if abs(90 - abs(tilt)) >= _MIN_TILT_DEGREES else -90.0
    return -tilt if abs(tilt) >= _MIN_TILT_DEGREES else 0.0


def turned_quads(quads: Floats, clockwise_degrees: float) -> Floats:
    """The quads with their first corner where the text begins, once the page is turned by so much."""
    return np.roll(quads, round(clockwise_degrees / 90) % 4, axis=1)


def joined(quads: Floats) -> Floats:
    """Level quads with neighbours on one row made one: detection breaks amounts at wide points ("15" ".15")."""
    rest = sorted(quads, key=lambda quad: float(quad[:, 0].min()))
    lines: list[Floats] = []
    for quad in rest:
        place = next((i for i, line in enumerate(lines) if _continues(line, quad)), None)
        if place is None:
            lines.append(quad)
        else:
            line = lines[place]
            lines[place] = np.stack([line[0], quad[1], quad[2], line[3]])
    return np.array(lines).reshape(-1, 4, 2)


def widened(quad: Floats) -> Floats:
    """The quad with some room at both ends of its line, where detection cuts into the last character."""
    along = quad[1] - quad[0]
    length = max(1.0, float(np.linalg.norm(along)))
    room = along / length * float(np.linalg.norm(quad[3] - quad[0])) * _END_ROOM
    ends: Floats = quad + np.stack([-room, room, room, -room])
    return ends


def line_image(pixels: NDArray[np.uint8], quad: Floats) -> NDArray[np.uint8]:
    """One line, level and in reading direction, LINE_HEIGHT_PX high, with grey room behind its end.

    The models were trained with that room; without any, a last "0" reads as "C".
    """
    (top, left), height = side_lengths(quad[None]), LINE_HEIGHT_PX
    native = (max(1, round(float(top[0]))), max(1, round(float(left[0]))))
    corners = np.array([[0, 0], [native[0], 0], native, [0, native[1]]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), corners)
    line = cv2.warpPerspective(pixels, matrix, native, borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_LINEAR)
    width = max(1, round(native[0] * height / native[1]))
    line = cv2.resize(line, (width, height), interpolation=cv2.INTER_AREA if native[1] > height else cv2.INTER_CUBIC)
    room = max(_ROOM_BEHIND_PX, _MIN_LINE_PX - width)
    padded = cv2.copyMakeBorder(line, 0, 0, 0, room, cv2.BORDER_CONSTANT, value=(128, 128, 128))
    return np.asarray(padded, dtype=np.uint8)


def in_reading_order(words: Sequence[Word]) -> tuple[Word, ...]:
    """Rows from top to bottom, each from left to right; a row is what overlaps its first word's middle."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: (_middle(w), w.bbox.left)):
        if rows and _middle(word) < _row_end(rows[-1][0]):
            rows[-1].append(word)
        else:
            rows.append([word])
    return tuple(word for row in rows for word in sorted(row, key=lambda w: (w.bbox.left, w.bbox.top)))


def _continues(line: Floats, quad: Floats) -> bool:
    """Whether `quad` goes on right behind the end of `line`, on the same row and in the same size."""
    (top, bottom), (other_top, other_bottom) = _edge(line, 1, 2), _edge(quad, 0, 3)
    height, other_height = bottom - top, other_bottom - other_top
    shared = min(bottom, other_bottom) - max(top, other_top)
    gap = float(quad[[0, 3], 0].mean() - line[[1, 2], 0].mean())
    smaller, larger = min(height, other_height), max(height, other_height)
    return shared > 0.7 * larger and larger < 1.4 * smaller and -0.5 * smaller < gap < _JOIN_GAP * smaller


def _edge(quad: Floats, upper: int, lower: int) -> tuple[float, float]:
    return float(quad[upper, 1]), float(quad[lower, 1])


def _middle(word: Word) -> float:
    return (word.bbox.top + word.bbox.bottom) / 2


def _row_end(first: Word) -> float:
    return _middle(first) + (first.bbox.bottom - first.bbox.top) / 2


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, running[-1] / 2)])
