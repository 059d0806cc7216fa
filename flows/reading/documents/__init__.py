"""Bytes become upright, bounded page images, or a refusal that says why. Pure: no network, no settings object."""

from flows.reading.documents.document import Document, OpenDocument, PageImage, open_document, open_pages
from flows.reading.documents.errors import (
    BrokenFileError,
    EmptyFileError,
    EncryptedFileError,
    NoSuchPageError,
    TooLargeError,
    TooManyPagesError,
    TooSmallError,
    UnsupportedTypeError,
)
from flows.reading.documents.limits import Limits
from flows.reading.documents.media import is_document, media_type_of

__all__ = [
    "BrokenFileError",
    "Document",
    "EmptyFileError",
    "EncryptedFileError",
    "Limits",
    "NoSuchPageError",
    "OpenDocument",
    "PageImage",
    "TooLargeError",
    "TooManyPagesError",
    "TooSmallError",
    "UnsupportedTypeError",
    "is_document",
    "media_type_of",
    "open_document",
    "open_pages",
]
