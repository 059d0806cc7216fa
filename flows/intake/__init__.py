"""Bytes become upright, bounded page images, or a refusal that says why. Pure: no network, no settings object."""

from flows.intake.document import Document, PageImage, open_document
from flows.intake.errors import (
    BrokenFileError,
    EmptyFileError,
    EncryptedFileError,
    TooLargeError,
    TooManyPagesError,
    TooSmallError,
    UnsupportedTypeError,
)
from flows.intake.limits import Limits
from flows.intake.media import media_type_of

__all__ = [
    "BrokenFileError",
    "Document",
    "EmptyFileError",
    "EncryptedFileError",
    "Limits",
    "PageImage",
    "TooLargeError",
    "TooManyPagesError",
    "TooSmallError",
    "UnsupportedTypeError",
    "media_type_of",
    "open_document",
]
