"""Paper photographed from the side, found by its four corners, and the way to the page as seen from above. Pure.

Order: bright sheet on darker ground → one convex outline → four straight sides → is it clear, and does it matter?
Whatever is not clear gives no way at all: the page is then read as it is.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flows.reading.ocr.geometry import Floats, Upright
from flows.reading.ocr.straighten import Grey

# Corners are looked for on a copy of this longest side: print blurs into paper, and it costs a few milliseconds.
_SIDE_PX = 400
# The angle between two opposite sides. Below it both engines read samples as well as unwarped ones; in trials with
# warped samples Tesseract lost totals from 5 to 9 degrees on, and RapidOCR's rows fell apart at 14.
_MIN_KEYSTONE_DEGREES = 5.0
# Print up to this many pixels of the copy is closed over; larger dark things are no reason to find no paper.
_PRINT_PX = 9
_MAX_BRIGHT_FRAME = 0.04  # share of the picture's frame: paper that leaves the picture has no four corners
_MIN_AREA, _MAX_AREA = 0.12, 0.95  # of the picture
_MAX_OTHER_BRIGHT = 0.08  # of the paper's area: a second sheet is not to be bent by the first one's corners
_MIN_FILLED = 0.95  # of the four-sided figure, by the outline; folded or torn paper fills less
_CORNER_DEGREES = (55.0, 125.0)
_MIN_SIDES_RATIO = 0.4  # of opposite sides
_MAX_BEND = 0.012  # of a side's length, root mean square: curled paper has no straight sides
_MIN_COVERED = 0.9  # of a side, by the outline close to it
_MIN_STEP = 30.0  # grey levels from ground to paper, across every side
_STEP_PX = 8.0
# How much the page may grow: the ground beside a steeply seen sheet runs away towards the horizon.
_MAX_GROWTH, _MAX_PIXELS_GROWTH = 3.0, 1.25


def flattening(image: Image.Image) -> Upright | None:
    """The way to the page as seen from straight above, or None where it is to be read as it is.

    The whole page is kept, ground included, so that nothing printed can be lost.
    """
    grey, scale = _coarse(image)
    quad = paper_quad(grey)
    if quad is None or keystone_degrees(quad) < _MIN_KEYSTONE_DEGREES:
        return None
    return _from_above(quad / scale, image.size)


def paper_quad(grey: Grey) -> Floats | None:
    """Corners (clockwise from the top left, in pixels) of the one bright sheet on darker ground, if it is clear."""
    closed = cv2.morphologyEx(grey, cv2.MORPH_CLOSE, np.ones((_PRINT_PX, _PRINT_PX), np.uint8))
    _, bright = cv2.threshold(closed, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    frame = np.concatenate([bright[0], bright[-1], bright[:, 0], bright[:, -1]])
    if (frame > 0).mean() > _MAX_BRIGHT_FRAME:
        return None
    outline = _only_sheet(np.asarray(bright, dtype=np.uint8))
    if outline is None:
        return None
    quad = _four_sides(outline)
    if quad is None or not _is_plausible(quad, outline):
        return None
    return quad if _smallest_step(np.asarray(closed, dtype=np.uint8), quad) >= _MIN_STEP else None


def keystone_degrees(quad: Floats) -> float:
    """The larger of the angles between opposite sides; 0.0 for any rectangle, however it is turned."""
    sides = np.roll(quad, -1, axis=0) - quad
    angles = np.rad2deg(np.arctan2(sides[:, 1], sides[:, 0]))
    off = (angles[:2] - angles[2:]) % 360 - 180
    return float(np.abs(off).max())


def _coarse(image: Image.Image) -> tuple[Grey, float]:
    """A grey copy of at most _SIDE_PX and its scale. Every few pixels are taken first: averaging all costs far more."""
    scale = min(1.0, _SIDE_PX / max(image.size))
    step = max(1, int(0.5 / scale))
    few = image.resize((max(1, image.width // step), max(1, image.height // step)), Image.Resampling.NEAREST)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = cv2.resize(np.asarray(few.convert("L")), size, interpolation=cv2.INTER_AREA)
    return np.asarray(small, dtype=np.uint8), scale


def _only_sheet(bright: Grey) -> NDArray[np.int32] | None:
    """The convex outline of the one large bright area that fills it; None for none, or more than one."""
    outlines, _ = cv2.findContours(bright, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not outlines:
        return None
    by_area = sorted(outlines, key=cv2.contourArea, reverse=True)
    area, rest = cv2.contourArea(by_area[0]), sum(cv2.contourArea(other) for other in by_area[1:])
    hull = cv2.convexHull(by_area[0])
    if not _MIN_AREA < area / bright.size < _MAX_AREA or rest > _MAX_OTHER_BRIGHT * area:
        return None
    return np.asarray(by_area[0], dtype=np.int32) if area > _MIN_FILLED * cv2.contourArea(hull) else None


def _four_sides(outline: NDArray[np.int32]) -> Floats | None:
    """The corners where lines through the outline's four sides meet; None where it has no four straight sides."""
    rough = _four_corners(outline)
    if rough is None:
        return None
    points = outline.reshape(-1, 2).astype(np.float64)
    found = (_side_line(points, rough[i], rough[(i + 1) % 4]) for i in range(4))
    lines = [line for line in found if line is not None]
    if len(lines) < 4:
        return None
    corners = [np.cross(lines[i - 1], lines[i]) for i in range(4)]
    if any(abs(corner[2]) < 1e-9 for corner in corners):
        return None
    return np.array([corner[:2] / corner[2] for corner in corners])


def _four_corners(outline: NDArray[np.int32]) -> Floats | None:
    hull = cv2.convexHull(outline)
    around = cv2.arcLength(hull, True)
    for tolerance in (0.01, 0.02, 0.03, 0.045):
        corners = cv2.approxPolyDP(hull, tolerance * around, True).reshape(-1, 2).astype(np.float64)
        if len(corners) == 4:
            clockwise = corners if cv2.contourArea(corners.astype(np.float32), True) > 0 else corners[::-1]
            first = int(clockwise.sum(axis=1).argmin())
            return np.asarray(np.roll(clockwise, -first, axis=0))
        if len(corners) < 4:
            return None
    return None


def _side_line(points: Floats, start: Floats, end: Floats) -> Floats | None:
    """The line (a, b, c with ax + by + c = 0) through the outline between two corners; None where that is bent."""
    along = end - start
    length = float(np.linalg.norm(along))
    unit = along / max(length, 1e-9)
    place = (points - start) @ unit
    away = np.abs((points - start) @ np.array([-unit[1], unit[0]]))
    near = points[(place > 0.08 * length) & (place < 0.92 * length) & (away < 0.04 * length + 2)]
    if len(near) < max(10, _MIN_COVERED * 0.84 * float(np.abs(along).max())):
        return None
    vx, vy, x, y = cv2.fitLine(near.astype(np.float32), cv2.DIST_HUBER, 0, 0.01, 0.01).ravel().tolist()
    line = np.array([-vy, vx, vy * x - vx * y])
    bend = float(np.sqrt(np.square(near @ line[:2] + line[2]).mean()))
    return line if bend < max(0.7, _MAX_BEND * length) else None


def _is_plausible(quad: Floats, outline: NDArray[np.int32]) -> bool:
    """Convex, corners not far from square, opposite sides not too different, and filled by the outline."""
    if not cv2.isContourConvex(quad.astype(np.float32)):
        return False
    sides = np.roll(quad, -1, axis=0) - quad
    lengths = np.linalg.norm(sides, axis=1)
    back = -np.roll(sides, 1, axis=0)
    cosines = (sides * back).sum(axis=1) / np.maximum(lengths * np.roll(lengths, 1), 1e-9)
    angles = np.rad2deg(np.arccos(np.clip(cosines, -1, 1)))
    ratios = np.minimum(lengths[:2], lengths[2:]) / np.maximum(np.maximum(lengths[:2], lengths[2:]), 1e-9)
    filled = cv2.contourArea(outline) / max(cv2.contourArea(quad.astype(np.float32)), 1e-9)
    low, high = _CORNER_DEGREES
    square = bool(((angles > low) & (angles < high)).all() and (ratios > _MIN_SIDES_RATIO).all())
    return square and _MIN_FILLED < filled < 2 - _MIN_FILLED


def _smallest_step(grey: Grey, quad: Floats) -> float:
    """Grey levels from ground to paper across the side where they differ least (medians along each side)."""
    sides = np.roll(quad, -1, axis=0) - quad
    inward = np.stack([-sides[:, 1], sides[:, 0]], axis=1) / np.maximum(np.linalg.norm(sides, axis=1), 1e-9)[:, None]
    share = np.linspace(0.1, 0.9, 33)
    along = quad[:, None, :] + share[None, :, None] * sides[:, None, :]
    inside, outside = (_values(grey, along + _STEP_PX * way * inward[:, None, :]) for way in (1, -1))
    return float(np.median(inside - outside, axis=1).min())


def _values(grey: Grey, points: Floats) -> Floats:
    columns = np.clip(points[..., 0].round().astype(int), 0, grey.shape[1] - 1)
    rows = np.clip(points[..., 1].round().astype(int), 0, grey.shape[0] - 1)
    values: Floats = grey[rows, columns].astype(np.float64)
    return values


def _from_above(quad: Floats, size: tuple[int, int]) -> Upright | None:
    """The way that makes `quad` a rectangle of its longest sides, with all of the page of `size` in the picture."""
    lengths = np.linalg.norm(np.roll(quad, -1, axis=0) - quad, axis=1)
    width, height = max(lengths[0], lengths[2]), max(lengths[1], lengths[3])
    flat = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = np.asarray(cv2.getPerspectiveTransform(quad.astype(np.float32), flat), dtype=np.float64)
    frame = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], dtype=np.float64)
    if ((frame @ matrix[2, :2] + matrix[2, 2]) < 0.05).any():  # a part of the ground is at the horizon or behind it
        return None
    ends = Upright(matrix, 0, 0).map(frame)
    (left, top), (right, bottom) = ends.min(axis=0), ends.max(axis=0)
    growth = float((right - left) * (bottom - top)) / (size[0] * size[1])
    if growth > _MAX_GROWTH:
        return None
    scale = min(1.0, (_MAX_PIXELS_GROWTH / growth) ** 0.5)
    into = np.array([[scale, 0, -scale * left], [0, scale, -scale * top], [0, 0, 1]])
    return Upright(into @ matrix, round(scale * (right - left)), round(scale * (bottom - top)))
