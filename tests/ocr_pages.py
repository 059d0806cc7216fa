"""Receipt pages for the OCR tests, drawn here: what is printed is known, and so is where."""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

TABLE = (70, 52, 40)
LINES = (
    "CORNER BAKERY LTD",
    "12 High Street, Leeds",
    "Date 14/03/2024 12:31",
    "Sourdough bread    4.75",
    "Butter croissant   2.30",
    "Oat milk latte     3.85",
    "SUBTOTAL   10.90",
    "TOTAL   10.90",
    "CASH    20.00",
    "CHANGE   9.10",
    "Thank you for your visit",
)


def receipt(size: int = 30, width: int = 560, paper: int = 248) -> Image.Image:
    """An upright page with LINES on it, black on light grey."""
    pitch = round(size * 1.9)
    image = Image.new("RGB", (width, pitch * (len(LINES) + 2)), (paper, paper, paper))
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=size)
    for row, text in enumerate(LINES):
        draw.text((30, pitch * (row + 1)), text, fill=(25, 25, 30), font=font)
    return image


def tilted(image: Image.Image, counter_clockwise_degrees: float) -> Image.Image:
    """The page photographed at an angle, on a white ground."""
    return image.rotate(
        counter_clockwise_degrees, expand=True, fillcolor=(255, 255, 255), resample=Image.Resampling.BICUBIC
    )


def shaded(image: Image.Image) -> Image.Image:
    """A shadow that falls over the right half and darkens towards the bottom."""
    pixels = np.asarray(image, dtype=np.float32)
    height, width = pixels.shape[:2]
    light = np.ones((height, width), dtype=np.float32)
    light[:, width // 2 :] = 0.55
    light *= np.linspace(1.0, 0.7, height, dtype=np.float32)[:, None]
    return Image.fromarray((pixels * light[:, :, None]).astype(np.uint8))


def jpeg(image: Image.Image) -> bytes:
    """The page as a camera would store it."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def from_the_side(
    image: Image.Image, *, narrower_above: float = 0.0, lower_at_right: float = 0.0, tilt: float = 0.0
) -> Image.Image:
    """The page on a dark table, its upper side shorter by a share of the lower one, its right side of the left one.

    Args:
        tilt: how much lower the upper right corner lies than the upper left one, as a share of the width.
    """
    width, height = image.size
    frame_width, frame_height = round(width * 1.5), round(height * 1.3)
    left, top = (frame_width - width) / 2, (frame_height - height) / 2
    across, down = narrower_above * width / 2, lower_at_right * height / 2
    seen = np.array([[across, 0], [width - across, down], [width, height - down], [0, height]]) + np.array((left, top))
    middle = np.array((frame_width / 2, frame_height / 2))
    turn = np.array([[1, -tilt], [tilt, 1]])
    seen = (seen - middle) @ turn.T + middle
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(corners, seen.astype(np.float32))
    pixels = cv2.warpPerspective(
        np.asarray(image.convert("RGB")), matrix, (frame_width, frame_height), flags=cv2.INTER_CUBIC, borderValue=TABLE
    )
    return Image.fromarray(pixels)
