"""Text lines as quads: the direction that they run in, their pixels, and their reading order."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.domain.fields import Word
from flows.reading.ocr.geometry import Floats, side_lengths

# A line counts for the page's direction when it is clearly longer than high.
_MIN_ASPECT = 1.8
# Below this tilt the page is left as it is: boxes in whole pixels cannot tell it from level.
_MIN_TILT_DEGREES = 0.6
# In heights of the line; detection's own margin already hides about as much of a gap. The room is in heights of the
# page's usual line: large print needs no more of it, and a logo with more is read worse.
_JOIN_GAP = 0.25
_END_ROOM = 0.12
# What the recognition models take. RapidOCR pads every line to 320; these two read short lines as well for 0.58 of
# the CPU (330 short lines of real scans; with no room at all, 3 of 4 differing lines got worse).
LINE_HEIGHT_PX = 48
_ROOM_BEHIND_PX = 48
_MIN_LINE_PX = 160
_PIECE_GAP_PX = 12


def page_turn(quads: Floats) -> float:
    """Clockwise degrees, above -90 and up to 90, that make the lines level; they may then stand upside down."""
    edges = np.roll(quads, -1, axis=1) - quads
    along = np.where((_length(edges[:, 0]) >= _length(edges[:, 1]))[:, None], edges[:, 0], edges[:, 1])
    widths, heights = side_lengths(quads)
    clear = np.maximum(widths, heights) >= _MIN_ASPECT * np.minimum(widths, heights)
    if not clear.any():
        return 0.0
    turn = -_main_direction(along[clear])
    for plain in (0.0, 90.0, -90.0):
        if abs(turn - plain) < _MIN_TILT_DEGREES:
            return abs(plain)
    return turn


def turned_quads(quads: Floats, clockwise_degrees: float) -> Floats:
    """The quads with their first corner where the text begins, once the page is turned by so much."""
    angle = np.deg2rad(clockwise_degrees)
    reading = np.array([np.cos(angle), -np.sin(angle)])  # what points to the right after the turn
    edges = np.roll(quads, -1, axis=1) - quads
    first = (edges @ reading).argmax(axis=1)
    corners = (first[:, None] + np.arange(4)) % 4
    turned: Floats = quads[np.arange(len(quads))[:, None], corners]
    return turned


def upside_down(quads: Floats) -> Floats:
    """The quads with their first corner where the text begins, if the page lies the other way up."""
    return quads[:, [2, 3, 0, 1]]


def joined(quads: Floats) -> Floats:
    """Level quads with neighbours on one row made one: detection breaks amounts at wide points ("15" ".15")."""
    rest = quads[np.argsort(quads[..., 0].min(axis=1), kind="stable")] if len(quads) else quads
    lines = np.empty((len(rest), 4, 2))
    count = 0
    for quad in rest:
        places = np.flatnonzero(_continue(lines[:count], quad))
        if len(places):
            lines[places[0], 1:3] = quad[1:3]
        else:
            lines[count] = quad
            count += 1
    return lines[:count]


def widened(quads: Floats) -> Floats:
    """The quads with some room at both ends of each line, where detection cuts into the last character."""
    widths, heights = side_lengths(quads)
    room = _END_ROOM * np.minimum(heights, np.median(heights)) if len(quads) else heights
    along = (quads[:, 1] - quads[:, 0]) / np.maximum(widths, 1)[:, None] * room[:, None]
    ends: Floats = quads + np.stack([-along, along, along, -along], axis=1)
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


def side_by_side(pieces: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """Pictures of pieces of lines as one line, LINE_HEIGHT_PX high, with their own paper between them."""
    columns: list[NDArray[np.uint8]] = []
    for piece in pieces:
        width = max(1, round(piece.shape[1] * LINE_HEIGHT_PX / piece.shape[0]))
        shrunk = cv2.INTER_AREA if piece.shape[0] > LINE_HEIGHT_PX else cv2.INTER_CUBIC
        line = cv2.resize(piece, (width, LINE_HEIGHT_PX), interpolation=shrunk)
        paper = np.median(line.reshape(-1, 3), axis=0).astype(np.uint8)
        gap = np.broadcast_to(paper, (LINE_HEIGHT_PX, _PIECE_GAP_PX, 3))
        columns += [np.asarray(line, dtype=np.uint8), np.asarray(gap, dtype=np.uint8)]
    whole = np.concatenate(columns, axis=1)
    room = max(_ROOM_BEHIND_PX, _MIN_LINE_PX - whole.shape[1])
    padded = cv2.copyMakeBorder(whole, 0, 0, 0, room, cv2.BORDER_CONSTANT, value=(128, 128, 128))
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


def _continue(lines: Floats, quad: Floats) -> NDArray[np.bool_]:
    """Which of the lines `quad` goes on right behind the end of, on the same row and in the same size."""
    top, bottom = lines[:, 1, 1], lines[:, 2, 1]
    other_top, other_bottom = quad[0, 1], quad[3, 1]
    height, other_height = bottom - top, other_bottom - other_top
    shared = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    gap = (quad[0, 0] + quad[3, 0]) / 2 - (lines[:, 1, 0] + lines[:, 2, 0]) / 2
    smaller, larger = np.minimum(height, other_height), np.maximum(height, other_height)
    alike = (shared > 0.7 * larger) & (larger < 1.4 * smaller)
    near: NDArray[np.bool_] = alike & (-0.5 * smaller < gap) & (gap < _JOIN_GAP * smaller)
    return near


def _middle(word: Word) -> float:
    return (word.bbox.top + word.bbox.bottom) / 2


def _row_end(first: Word) -> float:
    return _middle(first) + (first.bbox.bottom - first.bbox.top) / 2


def _main_direction(vectors: Floats) -> float:
    """Degrees of most of the vectors, -90 to 90, a vector and its opposite counting as the same."""
    angles, weights = np.arctan2(vectors[:, 1], vectors[:, 0]), _length(vectors)
    mean = 0.5 * np.arctan2((weights * np.sin(2 * angles)).sum(), (weights * np.cos(2 * angles)).sum())
    off = (np.rad2deg(angles - mean) + 90) % 180 - 90
    direction = float(np.rad2deg(mean)) + _weighted_median(off, weights)  # the median: stamps and logos lie askew
    return (direction + 90) % 180 - 90


def _length(vectors: Floats) -> Floats:
    lengths: Floats = np.linalg.norm(vectors, axis=-1)
    return lengths


def _weighted_median(values: Floats, weights: Floats) -> float:
    order = np.argsort(values, kind="stable")
    running = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(running, running[-1] / 2)])
