"""Where points of one image lie in another: turning pages upright without losing track of the words.

Points are float arrays of shape (n, 2), quads of shape (n, 4, 2) clockwise from the top left.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flows.domain.fields import BBox, Word

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Upright:
    """The way from a page image to its upright picture: a 3x3 matrix on (x, y, 1) and the picture's size."""

    matrix: Floats
    width: int
    height: int

    @classmethod
    def turned(cls, size: tuple[int, int], clockwise_degrees: float) -> Upright:
        """The whole page of `size` (width, height) turned about its centre; the picture grows to hold the corners."""
        width, height = size
        angle = np.deg2rad(clockwise_degrees)
        cos, sin = np.cos(angle), np.sin(angle)
        new_width = round(abs(width * cos) + abs(height * sin))
        new_height = round(abs(width * sin) + abs(height * cos))
        matrix = np.array(
            [
                [cos, -sin, new_width / 2 - cos * width / 2 + sin * height / 2],
                [sin, cos, new_height / 2 - sin * width / 2 - cos * height / 2],
                [0.0, 0.0, 1.0],
            ]
        )
        return cls(matrix, new_width, new_height)

    def map(self, points: Floats) -> Floats:
        """Points of the page (any shape ending in 2) as points of the upright picture."""
        flat = np.asarray(points, dtype=np.float64).reshape(-1, 1, 2)
        if not len(flat):  # OpenCV has no answer for no points
            return flat.reshape(np.shape(points))
        mapped: Floats = cv2.perspectiveTransform(flat, self.matrix).reshape(np.shape(points)).astype(np.float64)
        return mapped

    def unmap(self, points: Floats) -> Floats:
        """Points of the upright picture as points of the page."""
        return Upright(np.linalg.inv(self.matrix), 0, 0).map(points)

    def after(self, first: Upright) -> Upright:
        """Both ways in one: from where `first` starts to this one's picture."""
        return Upright(self.matrix @ first.matrix, self.width, self.height)

    def apply(self, image: Image.Image) -> Image.Image:
        """The upright picture itself; what lay outside the page is white."""
        if (self.width, self.height) == image.size and np.allclose(self.matrix, np.eye(3)):
            return image
        white = (255, 255, 255)
        pixels = cv2.warpPerspective(
            np.asarray(image), self.matrix, (self.width, self.height), flags=cv2.INTER_LINEAR, borderValue=white
        )
        return Image.fromarray(pixels)

    def apply_within(self, image: Image.Image, height: int) -> Image.Image:
        """As `apply`, at most `height` pixels high: shrunk before it is turned, which costs a fraction."""
        scale = height / self.height
        if scale >= 1:
            return self.apply(image)
        step = int(1 / scale)
        shrink, grow = np.diag((scale, scale, 1.0)), np.diag((step, step, 1.0))
        return Upright(shrink @ self.matrix @ grow, max(1, round(self.width * scale)), height).apply(image.reduce(step))


def bbox_of(points: Floats, width: int, height: int) -> BBox:
    """The upright box around `points`, cut to the picture."""
    xs = np.clip(points[..., 0], 0, width)
    ys = np.clip(points[..., 1], 0, height)
    left, top, right, bottom = (round(float(v), 1) for v in (xs.min(), ys.min(), xs.max(), ys.max()))
    return BBox(left, top, right, bottom)


def cut_out(image: Image.Image, box: BBox) -> tuple[Image.Image, tuple[int, int]]:
    """The part of a picture in a box, which must overlap it, and where its left top corner lies in whole pixels."""
    left, top = max(0, math.floor(box.left)), max(0, math.floor(box.top))
    right, bottom = min(image.width, math.ceil(box.right)), min(image.height, math.ceil(box.bottom))
    return image.crop((left, top, right, bottom)), (left, top)


def moved(word: Word, x: float, y: float) -> Word:
    """The same word in a picture whose left top corner lies so much further left and up."""
    box = word.bbox
    return word.model_copy(update={"bbox": BBox(box.left + x, box.top + y, box.right + x, box.bottom + y)})


def side_lengths(quads: Floats) -> tuple[Floats, Floats]:
    """Width (top side) and height (left side) of each quad, in pixels."""
    return np.linalg.norm(quads[:, 1] - quads[:, 0], axis=1), np.linalg.norm(quads[:, 3] - quads[:, 0], axis=1)
