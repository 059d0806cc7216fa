"""Bytes become upright, bounded page images, or a refusal that says why. Pure: no network, no settings object."""

from flows.reading.documents.document import Document, PageImage, open_document
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
from flows.reading.documents.media import media_type_of

__all__ = [
    "BrokenFileError",
    "Document",
    "EmptyFileError",
    "EncryptedFileError",
    "Limits",
    "NoSuchPageError",
    "PageImage",
    "TooLargeError",
    "TooManyPagesError",
    "TooSmallError",
    "UnsupportedTypeError",
    "media_type_of",
    "open_document",
]
