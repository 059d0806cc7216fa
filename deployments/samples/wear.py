"""What life and cameras do to a receipt: fading, creases, tilt, shadow, a table behind it, blur and noise."""

from __future__ import annotations

from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from deployments.samples.model import Wear

Pixels = NDArray[np.float32]
_WHITE = (250.0, 249.0, 246.0)


def wear_out(page: Image.Image, wear: Wear, rng: np.random.Generator) -> Image.Image:
    """The page's picture after all of `wear`, in the order in which it happens: paper, then light, then camera.

    Args:
        rng: the only source of chance, so that the same state gives the same picture.
    """
    pixels = np.asarray(page, dtype=np.float32)
    if wear.fade:
        pixels = _fade(pixels, wear.fade, rng)
    if wear.crumple:
        pixels = _crumple(pixels, wear.crumple, rng)
    if wear.photographed:
        pixels = _photograph(pixels, rng)
    if wear.tilt_degrees:
        pixels = _tilt(pixels, wear.tilt_degrees, photographed=wear.photographed)
    if wear.shadow:
        pixels = _shade(pixels, wear.shadow, rng)
    if wear.blur_pixels:
        pixels = cast(Pixels, cv2.GaussianBlur(pixels, (0, 0), wear.blur_pixels))
    pixels = pixels + (1.2 + wear.noise) * rng.standard_normal(pixels.shape, dtype=np.float32)
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8), "RGB")


def clouds(shape: tuple[int, ...], cells: int, rng: np.random.Generator) -> Pixels:
    """Smooth random values between 0 and 1, about `cells` of them across."""
    rows = max(2, round(cells * shape[0] / shape[1]))
    small = rng.random((rows, cells), dtype=np.float32)
    smooth = cv2.resize(small, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return cast(Pixels, np.clip(smooth, 0, 1)[..., None])


def _fade(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Thermal print that paled, unevenly and more towards one side."""
    side = np.linspace(0.6, 1.0, pixels.shape[1], dtype=np.float32)[None, :, None]
    left = 1.0 - strength * side * (0.55 + 0.45 * clouds(pixels.shape, 5, rng))
    paper = np.array(_WHITE, dtype=np.float32)
    return cast(Pixels, paper + (pixels - paper) * left)


def _crumple(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """Facets of light and dark along random creases, and the lines slightly bent by them."""
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    light = np.zeros((height, width), dtype=np.float32)
    for _ in range(26):
        angle, offset = rng.uniform(0, np.pi), rng.uniform(-0.5, 0.5) * height
        across = (columns - width / 2) * np.cos(angle) + (rows - height / 2) * np.sin(angle) - offset
        light += np.tanh(across / 7) * np.exp(-np.abs(across) / rng.uniform(25, 120)) * rng.uniform(-0.8, 0.8)
    bent = cv2.GaussianBlur(light, (0, 0), 12) * 2.2 * strength
    moved = cv2.remap(pixels, columns + bent, rows + bent, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cast(Pixels, moved * (0.9 - 0.13 * strength * np.clip(light, -1.2, 1.2))[..., None])


def _photograph(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The receipt lying on a dark table, seen slightly from the side."""
    height, width = pixels.shape[:2]
    frame_width, frame_height = round(width * 1.5), round(height * 1.22)
    left, top = (frame_width - width) / 2, (frame_height - height) / 2
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    shift = rng.uniform(-0.035, 0.035, (4, 2)) * width
    target = (corners + np.array((left, top)) + shift).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    size = (frame_width, frame_height)
    picture = cv2.warpPerspective(pixels, matrix, size, flags=cv2.INTER_CUBIC)
    cover = cv2.warpPerspective(np.ones((height, width), np.float32), matrix, size)
    shadow = cv2.GaussianBlur(np.roll(cover, (14, 18), (0, 1)), (0, 0), 16)[..., None]
    wood = _table((frame_height, frame_width), rng) * (1.0 - 0.6 * shadow)
    return cast(Pixels, wood * (1 - cover[..., None]) + picture * cover[..., None])


def _table(shape: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """Dark wood: streaks along the picture's width."""
    grain = cv2.GaussianBlur(rng.random(shape, dtype=np.float32), (0, 0), 60, sigmaY=1.5)
    streaks = (grain - grain.min()) / (grain.max() - grain.min())
    planks = 0.8 + 0.2 * clouds(shape, 3, rng)
    return cast(Pixels, np.array((74, 52, 38), np.float32) * (0.55 + 0.6 * streaks[..., None]) * planks)


def _tilt(pixels: Pixels, degrees: float, *, photographed: bool) -> Pixels:
    """Turned about its middle; a scanner's lid fills the corners, a table's own pixels do in a photograph."""
    height, width = pixels.shape[:2]
    edge = 0 if photographed else round(abs(np.sin(np.radians(degrees))) * max(height, width) / 2)
    grown = cv2.copyMakeBorder(pixels, edge // 3, edge // 3, edge, edge, cv2.BORDER_CONSTANT, value=_WHITE)
    middle = (grown.shape[1] / 2, grown.shape[0] / 2)
    matrix = cv2.getRotationMatrix2D(middle, degrees, 1.0)
    border = cv2.BORDER_REFLECT if photographed else cv2.BORDER_CONSTANT
    size = (grown.shape[1], grown.shape[0])
    turned = cv2.warpAffine(grown, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border, borderValue=_WHITE)
    return cast(Pixels, turned)


def _shade(pixels: Pixels, strength: float, rng: np.random.Generator) -> Pixels:
    """A hand's soft shadow over one corner, and light falling off across the picture."""
    height, width = pixels.shape[:2]
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    slope = columns / width * rng.uniform(0.5, 1.0) + rows / height * rng.uniform(0.3, 0.8)
    hand = 1 / (1 + np.exp(-(slope - 0.75) * 9))
    dark = np.clip(0.25 * slope + 0.75 * hand, 0, 1) * strength
    warm = np.array((1.0, 1.02, 1.08), dtype=np.float32)
    return cast(Pixels, pixels * (1.0 - dark[..., None] * warm))
