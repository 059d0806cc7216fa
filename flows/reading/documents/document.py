"""One received object as pages: every byte from outside comes through here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from PIL import Image

from flows.reading.documents.errors import EmptyFileError, TooLargeError
from flows.reading.documents.limits import Limits
from flows.reading.documents.media import media_type_of
from flows.reading.documents.pdf import render_pages
from flows.reading.documents.raster import decode_pictures


@dataclass(frozen=True)
class PageImage:
    """One page, upright by EXIF. `number` counts from 1; `scale` is stored pixels per pixel of `image`."""

    number: int
    image: Image.Image
    scale: float


@dataclass(frozen=True)
class Document:
    """A received object's type, content hash and decoded pages."""

    media_type: str
    sha256: str
    pages: tuple[PageImage, ...]


def open_document(data: bytes, limits: Limits, *, page: int | None = None) -> Document:
    """Decode `data` within `limits`; the type is decided by content.

    Args:
        page: decode this page alone, counted from 1; it is the same picture as with all pages.

    Raises:
        NoSuchPageError: the document has no page of that number.
        UnreadableError: a subclass of `flows.reading.documents.errors` per cause, with what to do in its message.
    """
    if not data:
        raise EmptyFileError
    if len(data) > limits.max_bytes:
        raise TooLargeError("bytes", len(data), limits.max_bytes)
    media_type = media_type_of(data)
    if media_type == "application/pdf":
        decoded = render_pages(data, limits, page=page)
    else:
        decoded = decode_pictures(data, media_type, limits, page=page)
    pages = tuple(PageImage(number, image, scale) for number, (image, scale) in enumerate(decoded, start=page or 1))
    return Document(media_type, hashlib.sha256(data).hexdigest(), pages)
