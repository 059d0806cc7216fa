"""The functions of PDFium's C interface that the renderer calls, declared by hand.

`pypdfium2.raw` declares all 480 of them, which takes longer than rendering a page. The library itself is the one of
pypdfium2's wheel; signatures as in PDFium's `public/*.h`. Runs inside the renderer's process.
"""

from __future__ import annotations

from ctypes import CDLL, POINTER, c_double, c_float, c_int, c_size_t, c_uint, c_ulong, c_void_p
from ctypes import Structure as _Structure
from typing import Any

ERROR_PASSWORD = 4
IMAGE, FORM = 3, 5  # kinds of page objects
BITMAP_BGR = 2
DRAW_ANNOTATIONS, REVERSE_BYTE_ORDER = 0x01, 0x10
INVISIBLE_MODES = frozenset({3, 7})  # text that is drawn not at all, or only clips
WHITE = 0xFFFFFFFF


class Rect(_Structure):
    """FS_RECTF, in points; y grows upwards."""

    _fields_ = [("left", c_float), ("top", c_float), ("right", c_float), ("bottom", c_float)]


_DOUBLE_OUT, _INT_OUT, _UINT_OUT, _ULONG_OUT = POINTER(c_double), POINTER(c_int), POINTER(c_uint), POINTER(c_ulong)
# Name → what it returns, and its arguments.
_FUNCTIONS: dict[str, tuple[Any, list[Any]]] = {
    "FPDF_InitLibrary": (None, []),
    "FPDF_LoadMemDocument64": (c_void_p, [c_void_p, c_size_t, c_void_p]),
    "FPDF_GetLastError": (c_ulong, []),
    "FPDF_GetPageCount": (c_int, [c_void_p]),
    "FPDF_LoadPage": (c_void_p, [c_void_p, c_int]),
    "FPDF_ClosePage": (None, [c_void_p]),
    "FPDF_GetPageWidthF": (c_float, [c_void_p]),
    "FPDF_GetPageHeightF": (c_float, [c_void_p]),
    "FPDFPage_CountObjects": (c_int, [c_void_p]),
    "FPDFPage_GetObject": (c_void_p, [c_void_p, c_int]),
    "FPDFPageObj_GetType": (c_int, [c_void_p]),
    "FPDFPageObj_GetFillColor": (c_int, [c_void_p, _UINT_OUT, _UINT_OUT, _UINT_OUT, _UINT_OUT]),
    "FPDFFormObj_CountObjects": (c_int, [c_void_p]),
    "FPDFFormObj_GetObject": (c_void_p, [c_void_p, c_ulong]),
    "FPDFImageObj_GetImagePixelSize": (c_int, [c_void_p, _UINT_OUT, _UINT_OUT]),
    "FPDFBitmap_CreateEx": (c_void_p, [c_int, c_int, c_int, c_void_p, c_int]),
    "FPDFBitmap_FillRect": (c_int, [c_void_p, c_int, c_int, c_int, c_int, c_ulong]),
    "FPDF_RenderPageBitmap": (None, [c_void_p, c_void_p, c_int, c_int, c_int, c_int, c_int, c_int]),
    "FPDF_PageToDevice": (
        c_int,
        [c_void_p, c_int, c_int, c_int, c_int, c_int, c_double, c_double, _INT_OUT, _INT_OUT],
    ),
    "FPDFText_LoadPage": (c_void_p, [c_void_p]),
    "FPDFText_ClosePage": (None, [c_void_p]),
    "FPDFText_CountChars": (c_int, [c_void_p]),
    "FPDFText_GetUnicode": (c_uint, [c_void_p, c_int]),
    "FPDFText_IsGenerated": (c_int, [c_void_p, c_int]),
    "FPDFText_HasUnicodeMapError": (c_int, [c_void_p, c_int]),
    "FPDFText_GetCharAngle": (c_float, [c_void_p, c_int]),
    "FPDFText_GetLooseCharBox": (c_int, [c_void_p, c_int, POINTER(Rect)]),
    "FPDFText_GetTextObject": (c_void_p, [c_void_p, c_int]),
    "FPDFTextObj_GetTextRenderMode": (c_int, [c_void_p]),
    "FPDFDoc_GetAttachmentCount": (c_int, [c_void_p]),
    "FPDFDoc_GetAttachment": (c_void_p, [c_void_p, c_int]),
    "FPDFAttachment_GetName": (c_ulong, [c_void_p, c_void_p, c_ulong]),
    "FPDFAttachment_GetFile": (c_int, [c_void_p, c_void_p, c_ulong, _ULONG_OUT]),
}


def load(path: str) -> Any:
    """Return the shared library at `path`, initialised, with the functions above declared."""
    library = CDLL(path)
    for name, (returned, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = returned, arguments
    library.FPDF_InitLibrary()
    return library
