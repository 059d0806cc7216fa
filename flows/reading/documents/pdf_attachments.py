"""The XML files that a PDF carries: an electronic invoice is attached like this (ZUGFeRD, Factur-X, Order-X).

Runs inside the renderer's process; what they say is judged by `flows.reading.digital`.
"""

from __future__ import annotations

from collections.abc import Iterator
from ctypes import c_ulong, create_string_buffer
from typing import Any

_MAX_ATTACHMENTS, _MAX_BYTES = 20, 2_000_000


def xml_attachments(library: Any, document: int) -> Iterator[str]:
    """Yield the text of each attached XML file of a sensible size, in UTF-8 as attached invoices are."""
    for index in range(min(library.FPDFDoc_GetAttachmentCount(document), _MAX_ATTACHMENTS)):
        attachment = library.FPDFDoc_GetAttachment(document, index)
        if attachment and _name(library, attachment).lower().endswith(".xml"):
            try:
                text = _content(library, attachment).decode("utf-8")
            except UnicodeDecodeError:
                continue  # no invoice that anybody could read
            if text:
                yield text


def _name(library: Any, attachment: int) -> str:
    size = library.FPDFAttachment_GetName(attachment, None, 0)
    buffer = create_string_buffer(size)
    library.FPDFAttachment_GetName(attachment, buffer, size)
    return buffer.raw.decode("utf-16-le", errors="replace").rstrip("\0")


def _content(library: Any, attachment: int) -> bytes:
    size = c_ulong()
    if not library.FPDFAttachment_GetFile(attachment, None, 0, size) or size.value > _MAX_BYTES:
        return b""
    buffer = create_string_buffer(size.value)
    return buffer.raw if library.FPDFAttachment_GetFile(attachment, buffer, size.value, size) else b""
