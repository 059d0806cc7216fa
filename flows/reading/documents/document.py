"""One received object as pages: every byte from outside comes through here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Protocol

from PIL import Image

from flows.reading.documents.errors import EmptyFileError, NoSuchPageError, TooLargeError
from flows.reading.documents.limits import Limits
from flows.reading.documents.media import media_type_of
from flows.reading.documents.own_text import NO_TEXT, OwnText
from flows.reading.documents.pdf import open_pdf
from flows.reading.documents.raster import open_picture
from flows.reading.documents.texts import HTML, PLAIN, XML, open_text, text_of


@dataclass(frozen=True)
class PageImage:
    """One page, upright by EXIF. `number` counts from 1; `scale` is stored pixels per pixel of `image`.

    Attributes:
        own: What a PDF's page or a text holds as text.
    """

    number: int
    image: Image.Image
    scale: float
    own: OwnText = NO_TEXT


@dataclass(frozen=True)
class Document:
    """A received object's type, content hash and decoded pages."""

    media_type: str
    sha256: str
    pages: tuple[PageImage, ...]


class _Pages(Protocol):
    count: int

    attachments: tuple[str, ...]

    def page(self, number: int) -> tuple[Image.Image, float, OwnText]: ...


class OpenDocument:
    """A received object whose pages are decoded when they are asked for, one at a time.

    Attributes:
        media_type: by content.
        sha256: of the bytes, in hex.
        page_count: at least 1.
        attachments: the text of each XML file that a PDF carries.
    """

    def __init__(self, media_type: str, sha256: str, pages: _Pages) -> None:
        self.media_type, self.sha256, self._pages = media_type, sha256, pages
        self.page_count, self.attachments = pages.count, pages.attachments

    def page(self, number: int) -> PageImage:
        """Decode page `number`, counted from 1.

        Raises:
            NoSuchPageError: the document has no page of that number.
            UnreadableError: it cannot be decoded.
        """
        if not 1 <= number <= self.page_count:
            raise NoSuchPageError(number, self.page_count)
        return PageImage(number, *self._pages.page(number))


@contextmanager
def open_pages(data: bytes, limits: Limits) -> Iterator[OpenDocument]:
    """Open `data` within `limits`, for as long as the block lasts; the type is decided by content.

    Raises:
        UnreadableError: a subclass of `flows.reading.documents.errors` per cause, with what to do in its message.
    """
    if not data:
        raise EmptyFileError
    if len(data) > limits.max_bytes:
        raise TooLargeError("bytes", len(data), limits.max_bytes)
    media_type = media_type_of(data)
    with _opened(data, media_type, limits) as pages:
        yield OpenDocument(media_type, hashlib.sha256(data).hexdigest(), pages)


def _opened(data: bytes, media_type: str, limits: Limits) -> AbstractContextManager[_Pages]:
    if media_type == "application/pdf":
        return open_pdf(data, limits)
    if media_type in {HTML, PLAIN, XML}:
        return nullcontext(open_text(text_of(data) or "", media_type, limits))
    return open_picture(data, media_type, limits)


def open_document(data: bytes, limits: Limits, *, page: int | None = None) -> Document:
    """Decode `data` within `limits`, all pages at once.

    Args:
        page: decode this page alone, counted from 1; it is the same picture as with all pages.

    Raises:
        NoSuchPageError: the document has no page of that number.
        UnreadableError: as `open_pages`.
    """
    with open_pages(data, limits) as document:
        wanted = range(1, document.page_count + 1) if page is None else [page]
        pages = tuple(document.page(number) for number in wanted)
        return Document(document.media_type, document.sha256, pages)
