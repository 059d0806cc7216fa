"""The program that renders a PDF's pages, in a process of its own: PDFium can be made to loop or fall over.

Reads the PDF from stdin and its settings from the command line (JSON). Writes one line of JSON, {"sizes": [[w, h], …]}
or {"refusal": name, "values": […]}, and then each page's RGB bytes. Imports PDFium alone, so that it starts quickly.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Iterator
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
    """Render what stdin holds within the settings of the command line."""
    settings: dict[str, Any] = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CPU, (settings["cpu_seconds"], settings["cpu_seconds"]))
    resource.setrlimit(resource.RLIMIT_AS, (settings["memory_bytes"], settings["memory_bytes"]))
    out = sys.stdout.buffer
    try:
        pages = list(_pages(sys.stdin.buffer.read(), settings))
    except _Refusal as refusal:
        out.write(json.dumps(refusal.answer).encode() + b"\n")
        return
    out.write(json.dumps({"sizes": [size for size, _ in pages]}).encode() + b"\n")
    for _, pixels in pages:
        out.write(pixels)


def _pages(data: bytes, settings: dict[str, Any]) -> Iterator[tuple[tuple[int, int], bytes]]:
    try:
        document = pypdfium2.PdfDocument(data)
        count = len(document)
        if count > settings["max_pages"]:
            raise _Refusal("TooManyPagesError", settings["max_pages"])
        if count == 0:
            raise _Refusal("BrokenFileError", "no pages")
        max_pixels = min(settings["page_pixels"], settings["document_pixels"] // count)
        page = settings["page"]
        if page is not None and not 1 <= page <= count:
            raise _Refusal("NoSuchPageError", page, count)
        for index in range(count) if page is None else [page - 1]:
            yield _render(document[index], max_pixels, settings)
    except pypdfium2.PdfiumError as error:
        if error.err_code == pdfium.FPDF_ERR_PASSWORD:
            raise _Refusal("EncryptedFileError") from error
        raise _Refusal("BrokenFileError", str(error)[:120]) from error


def _render(page: pypdfium2.PdfPage, max_pixels: int, settings: dict[str, Any]) -> tuple[tuple[int, int], bytes]:
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_FORM_DEPTH):
        width, height = picture.get_px_size()
        if width * height > settings["max_pixels"]:  # PDFium decodes a picture whole, however small it is drawn
            raise _Refusal("TooLargeError", "pixels in one picture", width * height, settings["max_pixels"])
    width_points, height_points = page.get_size()
    scale = _scale(width_points, height_points, max_pixels, settings)
    bitmap = page.render(scale=scale, rev_byteorder=True, force_bitmap_format=pdfium.FPDFBitmap_BGR)
    rows = memoryview(bitmap.buffer).cast("B")
    line = bitmap.width * 3
    pixels = b"".join(rows[start : start + line] for start in range(0, bitmap.stride * bitmap.height, bitmap.stride))
    page.close()
    return (bitmap.width, bitmap.height), pixels


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
