"""PDF pages rendered by PDFium, at a resolution that a huge page box cannot inflate."""

from __future__ import annotations

import math

import pypdfium2
import pypdfium2.raw as pdfium
from PIL import Image

from flows.errors import UnreadableError
from flows.intake.errors import BrokenFileError, EncryptedFileError, TooLargeError, TooManyPagesError, TooSmallError
from flows.intake.limits import Limits

_MEDIA_TYPE = "application/pdf"
_POINTS_PER_INCH = 72
# Forms nested deeper than this are not searched for huge pictures; PDFium itself stops at a similar depth.
_FORM_DEPTH = 12


def render_pages(data: bytes, limits: Limits, *, first_page_only: bool = False) -> list[tuple[Image.Image, float]]:
    """Every page as an "RGB" image, with its scale (always 1.0: a page has no stored pixels).

    Raises:
        EncryptedFileError, TooManyPagesError, TooLargeError, TooSmallError: before rendering.
        BrokenFileError: PDFium gave up.
    """
    try:
        with pypdfium2.PdfDocument(data) as document:
            pages = len(document)
            if pages > limits.max_pages:
                raise TooManyPagesError(limits.max_pages)
            if pages == 0:
                raise BrokenFileError(_MEDIA_TYPE, "no pages")
            wanted = range(1 if first_page_only else pages)
            return [(_render(document, index, limits, pages), 1.0) for index in wanted]
    except UnreadableError:
        raise
    except pypdfium2.PdfiumError as error:
        if getattr(error, "err_code", None) == pdfium.FPDF_ERR_PASSWORD:
            raise EncryptedFileError from error
        raise BrokenFileError(_MEDIA_TYPE, str(error)[:120]) from error


def _render(document: pypdfium2.PdfDocument, index: int, limits: Limits, pages: int) -> Image.Image:
    page = document[index]
    try:
        _check_pictures(page, limits)
        scale = _render_scale(page.get_size(), limits, pages)
        picture: Image.Image = page.render(scale=scale, rev_byteorder=True).to_pil()
        return picture.convert("RGB")
    finally:
        page.close()


def _render_scale(size_points: tuple[float, float], limits: Limits, pages: int) -> float:
    width, height = size_points
    wanted = limits.pdf_dpi / _POINTS_PER_INCH
    if not (math.isfinite(width * height) and min(width, height) * wanted >= 1):
        raise TooSmallError(int(width), int(height), limits.min_side)
    scale = min(wanted, math.sqrt(limits.pixels_per_page(pages) / (width * height)))
    if min(width, height) * scale < limits.min_side:
        raise TooSmallError(int(width * scale), int(height * scale), limits.min_side)
    return scale


def _check_pictures(page: pypdfium2.PdfPage, limits: Limits) -> None:
    """PDFium decodes an embedded picture whole, however small it is drawn."""
    for picture in page.get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE], max_depth=_FORM_DEPTH):
        width, height = picture.get_px_size()
        if width * height > limits.max_pixels:
            raise TooLargeError("pixels in one picture", width * height, limits.max_pixels)
