"""Pixels made easy for an engine that wants clean, level print: light, tilt, ink area, glyph height. Pure functions.

Images are grey uint8 arrays with dark ink on light paper.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

# The side, in pixels, at which tilt and background are judged: they are coarse, so a small picture tells them.
_COARSE_SIDE = 1000
_GLYPH_SIDE = 2000  # glyphs are smaller
_MAX_TILT_DEGREES = 12.0
# Of a few hundred characters, 0.8 and more have their nearest neighbour along the row.
_ASKED_GLYPHS = 400
_MIN_GLYPHS = 20
_SIDEWAYS_SHARE = 0.6
_AGREEING_DEGREES = 25.0  # letters are of different height, so the way to the next one is not quite the row's
_INK_STEP = 18  # grey levels that ink is darker than what lies around it
# Content on the coarse picture: a step of grey that faint thermal print still makes, the share of such pixels that a
# single printed word has in a cell around it, and the cell's side, half of which may be added around the content.
_EDGE_STEP = 24
_EDGE_SHARE = 0.12
_CELL_SIDE = 21


def flatten_light(grey: Grey) -> Grey:
    """Paper made evenly white: shadows and folds go, ink stays. The paper's light is the ink closed over."""
    small = _coarse(grey)
    side = max(15, min(small.shape) // 20 | 1)
    light = cv2.medianBlur(cv2.morphologyEx(small, cv2.MORPH_CLOSE, np.ones((side, side), np.uint8)), 21)
    full = cv2.resize(light, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.divide(grey, np.maximum(full, 1), scale=255), dtype=np.uint8)


def ink_mask(grey: Grey) -> Grey:
    """255 where ink is, 0 on paper; by the neighbourhood, so that shadows are no ink."""
    block = max(15, max(grey.shape) // 40 | 1)
    mask = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, block, _INK_STEP)
    return np.asarray(mask, dtype=np.uint8)


def is_sideways(grey: Grey) -> bool:
    """Whether the text runs from top to bottom: the nearest neighbour of most characters is on their own row."""
    nearest = np.abs(_to_nearest(grey))
    return bool(len(nearest) and (nearest[:, 1] > nearest[:, 0]).mean() > _SIDEWAYS_SHARE)


def row_direction(grey: Grey) -> float | None:
    """Degrees, above -90 and up to 90, by which rows fall to the right; None where most characters do not agree.

    From the way to each character's nearest neighbour, so right to a few degrees only, but at any tilt.
    """
    nearest = _to_nearest(grey)
    if not len(nearest):
        return None
    angles = np.rad2deg(np.arctan2(nearest[:, 1], nearest[:, 0]))
    candidates = np.arange(-85.0, 91.0, 5.0)
    off = (angles[:, None] - candidates[None, :] + 90) % 180 - 90
    best = int((np.abs(off) < _AGREEING_DEGREES).sum(axis=0).argmax())
    agreeing = off[np.abs(off[:, best]) < _AGREEING_DEGREES, best]
    if len(agreeing) < _SIDEWAYS_SHARE * len(angles):
        return None
    return float(90 - (90 - candidates[best] - np.median(agreeing)) % 180)


def tilt_degrees(grey: Grey) -> float:
    """Clockwise degrees to turn the page by so that its rows are level: where their profile is sharpest."""
    mask = ink_mask(_coarse(grey))
    best = 0.0
    for step, reach in ((2.0, _MAX_TILT_DEGREES), (0.5, 1.5), (0.1, 0.4)):
        angles = best + np.arange(-reach, reach + step / 2, step)
        best = float(max(angles, key=lambda angle: _sharpness(_rotated(mask, angle).astype(np.float32))))
    return best


def content_box(grey: Grey) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of all that is not evenly blank paper, generously: nothing readable lies outside.

    Cells of a coarse grid count when they have several strong edges; specks of a scanner have few.
    """
    small = _coarse(grey)
    edges = cv2.morphologyEx(small, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > _EDGE_STEP
    density = cv2.boxFilter(edges.astype(np.float32), -1, (_CELL_SIDE, _CELL_SIDE))
    ys, xs = np.nonzero(density > _EDGE_SHARE)
    height, width = grey.shape
    if not len(ys):
        return 0, 0, width, height
    scale = max(grey.shape) / max(small.shape)
    left, top = (max(0, int((v.min() - _CELL_SIDE) * scale)) for v in (xs, ys))
    right, bottom = int((xs.max() + _CELL_SIDE) * scale), int((ys.max() + _CELL_SIDE) * scale)
    return left, top, min(width, right), min(height, bottom)


def glyph_height(grey: Grey) -> float:
    """The median height of printed characters in pixels, 0.0 where there is none; judged on at most 2000 pixels."""
    factor = min(1.0, _GLYPH_SIDE / max(grey.shape))
    small = cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA) if factor < 1 else grey
    glyphs = glyph_boxes(np.asarray(small, dtype=np.uint8))
    return float(np.median(glyphs[:, 3] - glyphs[:, 1])) / factor if len(glyphs) else 0.0


def glyph_boxes(grey: Grey) -> NDArray[np.int32]:
    """Boxes (left, top, right, bottom) of connected ink that has the size and shape of a character."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(ink_mask(grey), connectivity=8)
    left, top, width, height, area = stats[1:].T
    shaped = (height >= 6) & (height <= max(grey.shape) // 12) & (width <= 4 * height) & (height <= 6 * width)
    solid = area >= 0.12 * width * height
    kept = shaped & solid
    boxes: NDArray[np.int32] = np.stack([left, top, left + width, top + height], axis=1)[kept]
    return boxes


def _to_nearest(grey: Grey) -> NDArray[np.float32]:
    """Ways (x, y) from characters to their nearest neighbours; none where there are few characters."""
    glyphs = glyph_boxes(grey).astype(np.float32)
    if len(glyphs) < _MIN_GLYPHS:
        return np.zeros((0, 2), dtype=np.float32)
    middles = (glyphs[:, :2] + glyphs[:, 2:]) / 2
    asked = middles[:: max(1, len(middles) // _ASKED_GLYPHS)]
    away = middles[None, :, :] - asked[:, None, :]
    distance = np.abs(away).sum(axis=2)
    distance[distance == 0] = np.inf
    nearest: NDArray[np.float32] = away[np.arange(len(asked)), distance.argmin(axis=1)]
    return nearest


def _coarse(grey: Grey) -> Grey:
    factor = _COARSE_SIDE / max(grey.shape)
    if factor >= 1:
        return grey
    return cv2.resize(grey, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]


def _rotated(grey: Grey, clockwise_degrees: float) -> Grey:
    height, width = grey.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -clockwise_degrees, 1.0)
    return cv2.warpAffine(grey, matrix, (width, height), flags=cv2.INTER_NEAREST)  # type: ignore[return-value]


def _sharpness(mask: NDArray[np.float32]) -> float:
    """How sharply rows of ink and gaps alternate from top to bottom, by the ink there is."""
    profile = mask.mean(axis=1)
    total = float(profile.sum())
    return float(np.square(np.diff(profile)).sum()) / (total * total) * len(profile) if total else 0.0
