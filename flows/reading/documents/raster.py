"""Pictures decoded by Pillow: size checked on the header, decoding reduced at the source, turned upright by EXIF."""

from __future__ import annotations

import functools
import io
import math
import re
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np
import pillow_heif
from PIL import Image

from flows.reading.documents.errors import BrokenFileError, TooLargeError, TooManyPagesError, TooSmallError
from flows.reading.documents.limits import Limits
from flows.reading.documents.own_text import NO_TEXT, OwnText

_FORMATS = {
    "image/jpeg": "JPEG",
    "image/png": "PNG",
    "image/webp": "WEBP",
    "image/tiff": "TIFF",
    "image/heic": "HEIF",
    "image/avif": "AVIF",
    "image/gif": "GIF",
    "image/jp2": "JPEG2000",
}
_ORIENTATION_TAG = 0x0112
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@contextmanager
def open_picture(data: bytes, media_type: str, limits: Limits) -> Iterator[PicturePages]:
    """The pages of a picture file while the block lasts.

    Only TIFF has several; of animations and bursts the first picture counts.

    Raises:
        TooLargeError, TooSmallError, TooManyPagesError: by the headers, before decoding.
        BrokenFileError: the decoder gave up.
    """
    _register_heif()
    with ExitStack() as stack:
        with _as_refusals(media_type, limits):
            picture = stack.enter_context(Image.open(io.BytesIO(data), formats=(_FORMATS[media_type],)))
            count = _page_count(picture, limits)
        yield PicturePages(picture, media_type, limits, count)


class PicturePages:
    """An open picture file: how many pages it has, and each of them upright, mode "RGB" or "L"."""

    attachments: tuple[str, ...] = ()

    def __init__(self, picture: Image.Image, media_type: str, limits: Limits, count: int) -> None:
        self._picture, self._media_type, self._limits, self.count = picture, media_type, limits, count

    def page(self, number: int) -> tuple[Image.Image, float, OwnText]:
        """Page `number`, from 1, with its scale (stored pixels per page pixel) and no text."""
        with _as_refusals(self._media_type, self._limits):
            max_pixels = self._limits.pixels_per_page(self.count)
            image, scale = _decode(self._picture, number - 1, self._limits, max_pixels)
            # A file's own picture is overwritten by its next page; a single one need not be copied.
            return (image.copy() if self.count > 1 else image), scale, NO_TEXT


@contextmanager
def _as_refusals(media_type: str, limits: Limits) -> Iterator[None]:
    """Raise what a decoder raises as one of our own errors."""
    try:
        yield
    except (TooLargeError, TooSmallError, TooManyPagesError, MemoryError):
        raise
    except Image.DecompressionBombError as error:  # Pillow's own bound, before ours could look at the size
        pixels = re.search(r"\d+", str(error))
        raise TooLargeError("pixels", int(pixels[0]) if pixels else 0, limits.max_pixels) from error
    except Exception as error:  # decoders raise nearly anything on damaged bytes (struct.error, KeyError, zlib.error…)
        raise BrokenFileError(media_type, str(error).split("\n")[0][:120] or type(error).__name__) from error


@functools.cache
def _register_heif() -> None:
    pillow_heif.register_heif_opener(thumbnails=False)


def _page_count(picture: Image.Image, limits: Limits) -> int:
    _check_size(picture, limits)
    if picture.format != "TIFF":
        return 1
    pages = 1
    while pages <= limits.max_pages and _has_page(picture, pages):
        _check_size(picture, limits)
        pages += 1
    if pages > limits.max_pages:
        raise TooManyPagesError(limits.max_pages)
    return pages


def _has_page(picture: Image.Image, index: int) -> bool:
    try:
        picture.seek(index)
    except EOFError:
        return False
    return True


def _check_size(picture: Image.Image, limits: Limits) -> None:
    width, height = picture.size
    if width * height > limits.max_pixels:
        raise TooLargeError("pixels", width * height, limits.max_pixels)
    if min(width, height) < limits.min_side:
        raise TooSmallError(width, height, limits.min_side)


def _decode(picture: Image.Image, index: int, limits: Limits, max_pixels: int) -> tuple[Image.Image, float]:
    picture.seek(index)
    _check_size(picture, limits)
    stored_side = max(picture.size)
    bound = math.sqrt(max_pixels / (picture.width * picture.height))
    if bound < 1:
        # JPEG only: decodes at 1/2, 1/4 or 1/8, never below the asked size. Other formats ignore it. To the nearest of
        # them: an A4 page at 600 dpi is hardly more than twice too large, and takes 140 MB undivided.
        part = 2 ** round(math.log2(1 / bound))
        picture.draft(picture.mode, (picture.width // part, picture.height // part))
    picture.load()
    image = _plain(_reduced(picture, max_pixels))
    orientation = _orientation(picture)
    if orientation in _UPRIGHT:
        image = image.transpose(_UPRIGHT[orientation])
    return image, stored_side / max(image.size)


def _reduced(picture: Image.Image, max_pixels: int) -> Image.Image:
    # A whole factor that may leave up to twice the pixels asked for: cheap, and glyphs keep their edges.
    factor = round(math.sqrt(picture.width * picture.height / max_pixels))
    if factor < 2:
        return picture
    if picture.mode in ("P", "1"):
        picture = picture.convert("L" if picture.mode == "1" else "RGBA")
    return (
        picture.reduce(factor)
        if not picture.mode.startswith("I;16")
        else picture.resize(
            (max(1, picture.width // factor), max(1, picture.height // factor)), Image.Resampling.NEAREST
        )
    )


def _plain(image: Image.Image) -> Image.Image:
    """Mode "RGB" or "L", transparency on white paper, deep grey scaled to 8 bit."""
    if image.mode in ("RGB", "L"):
        return image
    if image.mode == "1":
        return image.convert("L")
    if image.mode.startswith(("I", "F")):
        return _eight_bit(image)
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    return image.convert("RGB")


def _on_white(image: Image.Image) -> Image.Image:
    paper = Image.new("RGB", image.size, "white")
    paper.paste(image, mask=image.getchannel("A"))
    return paper


def _eight_bit(image: Image.Image) -> Image.Image:
    grey = np.nan_to_num(np.asarray(image, dtype=np.float32), posinf=0.0, neginf=0.0)
    low, high = float(grey.min()), float(grey.max())
    scaled = (grey - low) * (255.0 / (high - low)) if high > low else np.full_like(grey, 255.0)
    return Image.fromarray(scaled.astype(np.uint8))


def _orientation(picture: Image.Image) -> int:
    try:
        return int(picture.getexif().get(_ORIENTATION_TAG, 1))
    except (ValueError, TypeError, SyntaxError, KeyError, struct.error, OSError):
        return 1  # damaged EXIF says nothing; the engines find the text's direction by themselves
