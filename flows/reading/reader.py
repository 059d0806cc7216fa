"""The composition documents → OCR behind one object: bytes in, words out, and a picture for people.

Models load once a process, at first use.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cached_property, partial

from PIL import Image

from flows.domain.errors import ReceiptflowError, UnreadableError
from flows.domain.fields import BBox, DocumentText, ElectronicInvoice, Page, Word
from flows.reading.digital.confirm import is_confirmed
from flows.reading.digital.drawn_text import drawn_text
from flows.reading.documents import Limits, OpenDocument, PageImage, open_document, open_pages
from flows.reading.einvoice import InvoiceXmlError, read_invoice
from flows.reading.ocr import OcrEngine, OcrPage, Upright, load_engine
from flows.reading.parser import Place, deciding_places

# Fewer letters and digits than any receipt's total and date have, in words that are no accident: Tesseract sees single
# characters and unlikely words in leaves and carpets.
_MIN_CHARACTERS = 8
_MIN_TEXT_CHARACTERS = 16  # the same of a text, where every character is one
_TEXTS = {"text/html", "text/plain"}
_MIN_WORD_CHARACTERS = 3
_MIN_WORD_CONFIDENCE = 0.6
_REMEMBERED_PAGES = 64
_PREVIEW_QUALITY = 85
_OWN_TEXT_VERSION = "2"
_ROOM_PX = 2.0  # around a place that is read again
_MIN_REGION_PX = 8.0  # less than any letter that can be read is high
_PageKey = tuple[str, int]  # the document's SHA-256, and the page's number

# A page's number, and what reads it → the page.
KeepPage = Callable[[int, Callable[[], Page]], Page]


def read_now(_number: int, read: Callable[[], Page]) -> Page:
    """Keep nothing: every page is read."""
    return read()


class NoTextError(UnreadableError):
    """A readable picture without text on it."""

    def __init__(self) -> None:
        super().__init__("No text was found on the picture. Take it again: closer, sharper, with more light.")


class NoRegionError(ReceiptflowError):
    """A rectangle to be read that holds no part of the page."""

    def __init__(self, page: int, bbox: BBox, size: tuple[int, int]) -> None:
        super().__init__(
            f"bbox: ({', '.join(f'{side:.0f}' for side in bbox)}) holds nothing of page {page}, which is "
            f"{size[0]} x {size[1]} pixels; give left, top, right and bottom of a part of it that is at least "
            f"{_MIN_REGION_PX:.0f} pixels high and wide."
        )
        self.page, self.bbox, self.size = page, bbox, size


class Reader:
    """Reads objects with one engine under one set of limits.

    Args:
        engine: "auto", "tesseract" or "rapidocr".
        limits: what is accepted as a document.
        languages: Tesseract's names of the languages to expect; RapidOCR reads all Latin scripts anyway.
    """

    def __init__(
        self, engine: str = "auto", limits: Limits | None = None, languages: Sequence[str] = ("eng", "deu")
    ) -> None:
        self.engine_name = engine
        self.limits = limits or Limits()
        self.languages = tuple(languages)
        self._uprights: OrderedDict[_PageKey, Upright] = OrderedDict()
        self._last: tuple[str, PageImage] | None = None  # a preview is mostly asked for right after reading

    @property
    def version(self) -> str:
        """Of the extract step: changes when the same bytes could give other words."""
        decoded = f"pages-{self.limits.page_pixels}-{self.limits.pdf_dpi}dpi"
        return f"{self._engine.version}/own-text-{_OWN_TEXT_VERSION}/{decoded}"

    def extract(self, data: bytes, keep: KeepPage = read_now) -> DocumentText:
        """Every word of the document, read page by page, with one page's picture in memory at a time.

        Args:
            data: the object.
            keep: gives each page of a document that has several: what it kept of an earlier try, or what it is handed
                to read the page.

        Raises:
            UnreadableError: not an accepted, intact, bounded picture or document.
            NoTextError: nothing to read on any page.
        """
        with open_pages(data, self.limits) as document:
            numbers = range(1, document.page_count + 1)
            kept = keep if document.page_count > 1 else read_now
            pages = tuple(kept(number, partial(self._read_page, document, number)) for number in numbers)
        enough = _MIN_TEXT_CHARACTERS if document.media_type in _TEXTS else _MIN_CHARACTERS
        if _characters(pages) < enough and not any(page.unread_lines for page in pages):
            raise NoTextError
        return DocumentText(
            sha256=document.sha256,
            media_type=document.media_type,
            engine=self._engine.name,
            engine_version=self.version,
            pages=pages,
            invoice=_invoice(document),
        )

    def _read_page(self, document: OpenDocument, number: int) -> Page:
        image = document.page(number)
        page = self._own_words(image) or self._engine.read(image.image)
        self._remember((document.sha256, number), page.upright)
        if number == 1:
            self._last = document.sha256, image
        return _page(number, page)

    def _own_words(self, page: PageImage) -> OcrPage | None:
        """The page by its own text, where that is what is drawn on it; else None."""
        drawn = drawn_text(page)
        if drawn is None:
            return None
        others = [word for box in drawn.elsewhere for word in self._engine.read_part(page.image, box)]
        found = OcrPage((*drawn.words, *others), Upright.turned(page.image.size, 0))
        if page.own.laid_out:
            return found
        places = deciding_places((_page(page.number, OcrPage(drawn.words, found.upright)),))
        quickly, carefully = (partial(self._drawn_at, page.image, quickly=quick) for quick in (True, False))
        return found if is_confirmed(places, quickly, carefully) else None

    def _drawn_at(self, image: Image.Image, places: Sequence[Place], *, quickly: bool) -> str:
        return self._engine.read_pieces(image, [_with_room(place.bbox) for place in places], quickly=quickly)

    def preview(self, data: bytes, max_height: int = 900, page: int = 1) -> bytes:
        """A page as a JPEG, upright as `extract` reports it, at most `max_height` pixels high; pages count from 1."""
        sha256, image = self._image_of(data, page)
        picture = self._upright_of((sha256, page), image).apply_within(image.image, max_height)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=_PREVIEW_QUALITY)
        return buffer.getvalue()

    def read_region(self, data: bytes, page: int, bbox: BBox) -> tuple[Word, ...]:
        """What stands in a rectangle of a page, read again by the engine that read the page.

        Args:
            data: The document's bytes.
            page: Counted from 1.
            bbox: In pixels of the upright page, as in `Page` and `Word`. It is cut to the page.

        Returns:
            The words in reading order, in the same pixels; none where nothing was read.

        Raises:
            NoSuchPageError: the document has no such page.
            NoRegionError: the rectangle is empty, too small to hold a letter, or lies outside the page.
            UnreadableError: as `extract`.
        """
        document = open_document(data, self.limits, page=page)
        image = document.pages[0]
        upright = self._upright_of((document.sha256, page), image)
        box = BBox(
            max(0.0, bbox.left),
            max(0.0, bbox.top),
            min(float(upright.width), bbox.right),
            min(float(upright.height), bbox.bottom),
        )
        if not all(map(math.isfinite, bbox)) or min(box.right - box.left, box.bottom - box.top) < _MIN_REGION_PX:
            raise NoRegionError(page, bbox, (upright.width, upright.height))
        return self._engine.read_part(upright.apply(image.image), box)

    def _image_of(self, data: bytes, page: int) -> tuple[str, PageImage]:
        last, self._last = self._last, None
        if last and page == 1 and last[0] == hashlib.sha256(data).hexdigest():
            return last
        document = open_document(data, self.limits, page=page)
        return document.sha256, document.pages[0]

    @cached_property
    def _engine(self) -> OcrEngine:
        if self.engine_name == "tesseract":
            return load_engine(self.engine_name, languages=self.languages)
        return load_engine(self.engine_name)

    def _upright_of(self, page: _PageKey, image: PageImage) -> Upright:
        if page not in self._uprights:
            own = self._own_words(image)
            self._remember(page, own.upright if own else self._engine.upright(image.image))
        return self._uprights[page]

    def _remember(self, page: _PageKey, upright: Upright) -> None:
        self._uprights[page] = upright
        while len(self._uprights) > _REMEMBERED_PAGES:
            self._uprights.popitem(last=False)


def _invoice(document: OpenDocument) -> ElectronicInvoice | None:
    """Return the electronic invoice that the document is or carries; XML that is none is not looked at further."""
    for xml in document.attachments:
        with suppress(InvoiceXmlError):
            return read_invoice(xml)
    return None


def _with_room(box: BBox) -> BBox:
    return BBox(box.left - _ROOM_PX, box.top - _ROOM_PX, box.right + _ROOM_PX, box.bottom + _ROOM_PX)


def _characters(pages: Sequence[Page]) -> int:
    sure = (word.text for page in pages for word in page.words if word.confidence >= _MIN_WORD_CONFIDENCE)
    counts = (sum(character.isalnum() for character in text) for text in sure)
    return sum(count for count in counts if count >= _MIN_WORD_CHARACTERS)


def _page(number: int, page: OcrPage) -> Page:
    width, height = page.upright.width, page.upright.height
    return Page(number=number, width=width, height=height, words=page.words, unread_lines=page.unread)
