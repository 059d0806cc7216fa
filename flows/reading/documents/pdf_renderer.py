"""The program that renders a PDF's pages, in a process of its own: PDFium can be made to loop or fall over.

Its settings come on the command line (JSON). It reads from stdin the PDF's length in bytes on a line and the PDF, and
answers with one line of JSON, {"pages": n, "attachments": [XML, …]}; then for each page's number (from 1) on a line
{"size": [w, h], "words": …, "doubtful": …} on a line and the page's RGB bytes. Instead of either it says {"refusal":
name, "values": […]} and ends; it also ends with its stdin. Imports hardly anything, so that it starts quickly.
"""

from __future__ import annotations

import json
import math
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import byref, c_uint, create_string_buffer
from typing import Any

# Beside this file, which is run by its path: importing the package would cost more than the rendering.
import pdfium  # type: ignore[import-not-found]
from pdf_attachments import xml_attachments  # type: ignore[import-not-found]
from pdf_words import PageText  # type: ignore[import-not-found]

_POINTS_PER_INCH = 72
# Forms nested deeper than this are not searched for huge pictures; real receipts nest two.
_FORM_DEPTH = 6
_CHANNELS = 3


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
        _answer(settings)
    except _Refusal as refusal:
        _say(refusal.answer)


def _answer(settings: dict[str, Any]) -> None:
    asked = sys.stdin.buffer
    library = pdfium.load(settings["library"])
    data = asked.read(int(asked.readline()))
    document = _opened(library, data)
    max_pixels = _checked(library, document, settings)
    count = library.FPDF_GetPageCount(document)
    _say({"pages": count, "attachments": list(xml_attachments(library, document))})
    for line in asked:
        with _loaded(library, document, int(line) - 1) as page:
            answer, pixels = _render(library, page, max_pixels, settings)
        _say(answer, pixels)


def _say(answer: dict[str, Any], pixels: bytes = b"") -> None:
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + pixels)
    sys.stdout.buffer.flush()


def _opened(library: Any, data: bytes) -> int:
    document: int | None = library.FPDF_LoadMemDocument64(data, len(data), None)
    if document:
        return document
    error = library.FPDF_GetLastError()
    if error == pdfium.ERROR_PASSWORD:
        raise _Refusal("EncryptedFileError")
    raise _Refusal("BrokenFileError", f"PDFium cannot open it, error {error}")


@contextmanager
def _loaded(library: Any, document: int, index: int) -> Iterator[int]:
    page: int | None = library.FPDF_LoadPage(document, index)
    if not page:
        raise _Refusal("BrokenFileError", f"page {index + 1} cannot be loaded")
    yield page
    library.FPDF_ClosePage(page)


def _checked(library: Any, document: int, settings: dict[str, Any]) -> int:
    """How many pixels a page may have; refuses before anything is rendered whatever can be refused by then."""
    count = library.FPDF_GetPageCount(document)
    if count > settings["max_pages"]:
        raise _Refusal("TooManyPagesError", settings["max_pages"])
    if count <= 0:
        raise _Refusal("BrokenFileError", "no pages")
    max_pixels = int(min(settings["page_pixels"], settings["document_pixels"] // count))
    for index in range(count) if count > 1 else ():  # a single one is checked when it is rendered
        with _loaded(library, document, index) as page:
            _scale_of(library, page, max_pixels, settings)
    return max_pixels


def _render(library: Any, page: int, max_pixels: int, settings: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    scale = _scale_of(library, page, max_pixels, settings)
    size = math.ceil(library.FPDF_GetPageWidthF(page) * scale), math.ceil(library.FPDF_GetPageHeightF(page) * scale)
    drawn = _drawn(library, page, size)
    text = PageText(library, page, size)
    return {"size": size, "words": text.words, "doubtful": text.doubtful}, drawn


def _picture_sizes(library: Any, page: int) -> Iterator[int]:
    """Yield the pixels of each picture on the page, those in forms too."""
    todo = [(library.FPDFPage_GetObject(page, n), 1) for n in range(library.FPDFPage_CountObjects(page))]
    while todo:
        thing, depth = todo.pop()
        kind = library.FPDFPageObj_GetType(thing)
        if kind == pdfium.IMAGE:
            width, height = c_uint(), c_uint()
            library.FPDFImageObj_GetImagePixelSize(thing, byref(width), byref(height))
            yield width.value * height.value
        elif kind == pdfium.FORM and depth < _FORM_DEPTH:
            count = library.FPDFFormObj_CountObjects(thing)
            todo += [(library.FPDFFormObj_GetObject(thing, n), depth + 1) for n in range(count)]


def _drawn(library: Any, page: int, size: tuple[int, int]) -> bytes:
    """Return the page's pixels, RGB, row after row."""
    width, height = size
    buffer = create_string_buffer(width * height * _CHANNELS)
    bitmap = library.FPDFBitmap_CreateEx(width, height, pdfium.BITMAP_BGR, buffer, width * _CHANNELS)
    if not bitmap:
        raise _Refusal("BrokenFileError", "the page cannot be drawn")
    library.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, pdfium.WHITE)
    flags = pdfium.DRAW_ANNOTATIONS | pdfium.REVERSE_BYTE_ORDER
    library.FPDF_RenderPageBitmap(bitmap, page, 0, 0, width, height, 0, flags)
    return buffer.raw


def _scale_of(library: Any, page: int, max_pixels: int, settings: dict[str, Any]) -> float:
    for pixels in _picture_sizes(library, page):
        if pixels > settings["max_pixels"]:  # PDFium decodes a picture whole, however small it is drawn
            raise _Refusal("TooLargeError", "pixels in one picture", pixels, settings["max_pixels"])
    return _scale(library.FPDF_GetPageWidthF(page), library.FPDF_GetPageHeightF(page), max_pixels, settings)


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
