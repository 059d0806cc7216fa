"""Pictures written to files, in the format that the file's name tells, the same bytes every time."""

from __future__ import annotations

import time
from pathlib import Path

import pillow_heif
from PIL import Image

from deployments.samples.model import Wear

_DPI = 230
_WRITTEN = time.strptime("2026-01-01", "%Y-%m-%d")  # a PDF records when it was made; a fixed day keeps its bytes
_ORIENTATION_TAG = 0x0112
# How an upright picture is stored so that the EXIF orientation, obeyed, turns it upright again.
_STORED: dict[int, Image.Transpose | None] = {
    1: None,
    3: Image.Transpose.ROTATE_180,
    6: Image.Transpose.ROTATE_90,
    8: Image.Transpose.ROTATE_270,
}


def write(pages: list[Image.Image], path: Path, wear: Wear) -> None:
    """Write `pages` to `path`; only a PDF or TIFF takes more than one.

    Raises:
        ValueError: the name's extension is none of the formats written here.
    """
    match path.suffix:
        case ".jpg":
            _write_jpeg(pages[0], path, wear)
        case ".png":
            pages[0].save(path, "PNG")
        case ".webp":
            pages[0].save(path, "WEBP", quality=wear.jpeg_quality)
        case ".tiff":
            pages[0].save(
                path, "TIFF", compression="tiff_lzw", dpi=(_DPI, _DPI), save_all=True, append_images=pages[1:]
            )
        case ".heic":
            # x265's own default spends six seconds on a picture that is decoded once.
            fast = {"preset": "ultrafast"}
            pillow_heif.from_pillow(pages[0]).save(path, quality=wear.jpeg_quality, enc_params=fast)
        case ".pdf":
            about = {"title": "Receipt", "creationDate": _WRITTEN, "modDate": _WRITTEN}
            pages[0].save(path, "PDF", resolution=_DPI, save_all=True, append_images=pages[1:], **about)
        case _:
            raise ValueError(f"{path.name}: samples are written as .jpg, .png, .webp, .tiff, .heic or .pdf")


def _write_jpeg(page: Image.Image, path: Path, wear: Wear) -> None:
    turn = _STORED[wear.exif_orientation]
    exif = Image.Exif()
    if turn is not None:
        exif[_ORIENTATION_TAG] = wear.exif_orientation
    stored = page if turn is None else page.transpose(turn)
    stored.save(path, "JPEG", quality=wear.jpeg_quality, dpi=(_DPI, _DPI), exif=exif)
