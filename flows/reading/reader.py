"""The composition documents → OCR behind one object: bytes in, words out, and a picture for people.

Models load once a process, at first use.
"""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property

from PIL import Image

from flows.domain.errors import UnreadableError
from flows.domain.fields import DocumentText, Page
from flows.reading.documents import Limits, open_document
from flows.reading.ocr import OcrEngine, OcrPage, Upright, load_engine

# Fewer letters and digits than any receipt's total and date have, in words that are no accident: Tesseract sees single
# characters and unlikely words in leaves and carpets.
_MIN_CHARACTERS = 8
_MIN_WORD_CHARACTERS = 3
_MIN_WORD_CONFIDENCE = 0.6
_REMEMBERED_PAGES = 64
_PREVIEW_QUALITY = 85


class NoTextError(UnreadableError):
    """A readable picture without text on it."""

    def __init__(self) -> None:
        super().__init__("No text was found on the picture. Take it again: closer, sharper, with more light.")


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
        self._uprights: OrderedDict[str, Upright] = OrderedDict()
        self._last: tuple[str, Image.Image] | None = None  # a preview is mostly asked for right after reading

    @property
    def version(self) -> str:
        """Of the extract step: changes when the same bytes could give other words."""
        return f"{self._engine.version}/pages-{self.limits.page_pixels}-{self.limits.pdf_dpi}dpi"

    def extract(self, data: bytes) -> DocumentText:
        """Every word of the document.

        Raises:
            UnreadableError: not an accepted, intact, bounded picture or document.
            NoTextError: nothing to read on any page.
        """
        document = open_document(data, self.limits)
        read = [self._engine.read(page.image) for page in document.pages]
        self._remember(document.sha256, read[0].upright)
        self._last = document.sha256, document.pages[0].image
        if _characters(read) < _MIN_CHARACTERS and not any(page.unread for page in read):
            raise NoTextError
        return DocumentText(
            sha256=document.sha256,
            media_type=document.media_type,
            engine=self._engine.name,
            engine_version=self.version,
            pages=tuple(_page(number, page) for number, page in enumerate(read, start=1)),
        )

    def preview(self, data: bytes, max_height: int = 900) -> bytes:
        """Page 1 as a JPEG, upright as `extract` reports it, at most `max_height` pixels high."""
        sha256, page = self._first_page(data)
        picture = self._upright_of(sha256, page).apply_within(page, max_height)
        buffer = io.BytesIO()
        picture.save(buffer, "JPEG", quality=_PREVIEW_QUALITY)
        return buffer.getvalue()

    def _first_page(self, data: bytes) -> tuple[str, Image.Image]:
        last, self._last = self._last, None
        if last and last[0] == hashlib.sha256(data).hexdigest():
            return last
        document = open_document(data, self.limits, first_page_only=True)
        return document.sha256, document.pages[0].image

    @cached_property
    def _engine(self) -> OcrEngine:
        if self.engine_name == "tesseract":
            return load_engine(self.engine_name, languages=self.languages)
        return load_engine(self.engine_name)

    def _upright_of(self, sha256: str, page: Image.Image) -> Upright:
        if sha256 not in self._uprights:
            self._remember(sha256, self._engine.upright(page))
        return self._uprights[sha256]

    def _remember(self, sha256: str, upright: Upright) -> None:
        self._uprights[sha256] = upright
        while len(self._uprights) > _REMEMBERED_PAGES:
            self._uprights.popitem(last=False)


def _characters(pages: Sequence[OcrPage]) -> int:
    sure = (word.text for page in pages for word in page.words if word.confidence >= _MIN_WORD_CONFIDENCE)
    counts = (sum(character.isalnum() for character in text) for text in sure)
    return sum(count for count in counts if count >= _MIN_WORD_CHARACTERS)


def _page(number: int, page: OcrPage) -> Page:
    width, height = page.upright.width, page.upright.height
    return Page(number=number, width=width, height=height, words=page.words, unread_lines=page.unread)
