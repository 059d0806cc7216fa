"""Pictures as networks take them: BGR uint8 arrays (height, width, 3) made smaller, and into float arrays."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]

_STRIP_PX = 256


def resized(picture: Pixels, width: int, height: int) -> Pixels:
    """The picture at another size, for making it smaller."""
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def as_input(picture: Pixels) -> NDArray[np.float32]:
    """Shape (1, 3, height, width), a view: channels first, -1.0 to 1.0."""
    scaled = picture.astype(np.float32)
    scaled /= 127.5
    scaled -= 1.0
    return scaled.transpose(2, 0, 1)[None]


def bgr(image: Image.Image) -> Pixels:
    """The pixels of a picture of mode "RGB" or "L", strip by strip: two copies of a page would be 60 MB more."""
    order = cv2.COLOR_GRAY2BGR if image.mode == "L" else cv2.COLOR_RGB2BGR
    pixels = np.empty((image.height, image.width, 3), dtype=np.uint8)
    for top in range(0, image.height, _STRIP_PX):
        bottom = min(image.height, top + _STRIP_PX)
        strip = np.asarray(image.crop((0, top, image.width, bottom)))
        cv2.cvtColor(strip, order, dst=pixels[top:bottom])
    return pixels
