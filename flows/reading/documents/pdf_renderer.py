"""The program that renders a PDF's pages, in a process of its own: PDFium can be made to loop or fall over.

Its settings come on the command line (JSON). It reads from stdin the PDF's length in bytes on a line and the PDF, and
answers with one line of JSON, {"pages": n}; then for each page's number (from 1) on a line {"size": [w, h]} on a line
and the page's RGB bytes. Instead of either it says {"refusal": name, "values": […]} and ends; it also ends with its
stdin. Imports PDFium alone, so that it starts quickly.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pypdfium2
import pypdfium2.raw as pdfium

_POINTS_PER_INCH = 72
# Forms nested deeper than this are not searched for huge pictures; real receipts nest two.
_FORM_DEPTH = 6


class _Refusal(Exception):  # noqa: N818 - it travels to the parent as data
    def __init__(self, name: str, *values: Any) -> None:
        super().__init__(name)
        self.answer = {"refusal": name, "values": values}


def main() -> None:
    """Answer what stdin asks for within the settings of the command line."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (settings["cpu_seconds"], settings["cpu_seconds"]))
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"], settings["memory_bytes"]))
    try:
        with _refusals():
            _answer(settings)
    except _Refusal as refusal:
        _say(refusal.answer)


def _answer(settings: dict[str, Any]) -> None:
    asked = sys.stdin.buffer
    document = pypdfium2.PdfDocument(asked.read(int(asked.readline())))
    max_pixels = _checked(document, settings)
    _say({"pages": len(document)})
    for line in asked:
        size, pixels = _render(document[int(line) - 1], max_pixels, settings)
        _say({"size": size}, pixels)


def _say(answer: dict[str, Any], pixels: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + pixels)
    sys.stdout.buffer.flush()


@contextmanager
def _refusals() -> Iterator[None]:
    """Raise what PDFium refuses as a refusal."""
    try:
        yield
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise _Refusal("EncryptedFileError") from error
        raise _Refusal("BrokenFileError", str(error)[:120]) from error


def _checked(document: pypdfium2.PdfDocument, settings: dict[str, Any]) -> int:
    """How many pixels a page may have; refuses before anything is rendered whatever can be refused by then."""
    count = len(document)
    if count > settings["max_pages"]:
        raise _Refusal("TooManyPagesError", settings["max_pages"])
    if count == 0:
        raise _Refusal("BrokenFileError", "no pages")
    max_pixels = int(min(settings["page_pixels"], settings["document_pixels"] // count))
    for page in document if count > 1 else ():  # a single one is checked when it is rendered
        _scale_of(page, max_pixels, settings)
        page.close()
    return max_pixels


def _render(page: pypdfium2.PdfPage, max_pixels: int, settings: dict[str, Any]) -> tuple[tuple[int, int], bytes]:
    scale = _scale_of(page, max_pixels, settings)
    bitmap = page.render(scale=scale, rev_byteorder=True, force_bitmap_format=pdfium.FPDFBitmap_BGR)
    rows = memoryview(bitmap.buffer).cast("B")
    line = bitmap.width * 3
    pixels = b"".join(rows[start : start + line] for start in range(0, bitmap.stride * bitmap.height, bitmap.stride))
    page.close()
    return (bitmap.width, bitmap.height), pixels


def _scale_of(page: pypdfium2.PdfPage, max_pixels: int, settings: dict[str, Any]) -> float:
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_FORM_DEPTH):
        width, height = picture.get_px_size()
        if width * height > settings["max_pixels"]:  # PDFium decodes a picture whole, however small it is drawn
            raise _Refusal("TooLargeError", "pixels in one picture", width * height, settings["max_pixels"])
    width_points, height_points = page.get_size()
    return _scale(width_points, height_points, max_pixels, settings)


def _scale(width: float, height: float, max_pixels: int, settings: dict[str, Any]) -> float:
    """Pixels a point: the wanted resolution, as far as a huge page box does not inflate the picture."""
    if not (width > 0 and height > 0 and math.isfinite(width * height)):
        raise _Refusal("BrokenFileError", "a page without a size")
    scale: float = min(settings["pdf_dpi"] / _POINTS_PER_INCH, math.sqrt(max_pixels / (width * height)))
    if min(width, height) * scale < settings["min_side"]:
        raise _Refusal("TooSmallError", int(width * scale), int(height * scale), settings["min_side"])
    return scale


if __name__ == "__main__":
    main()
