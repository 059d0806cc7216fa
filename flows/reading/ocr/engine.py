"""What every OCR engine promises, and the one way to get one."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, cast

from PIL import Image

from flows.domain.errors import ConfigurationError
from flows.domain.fields import BBox, Word
from flows.reading.ocr.geometry import Upright
from flows.reading.ocr.paper import flattening

_FLATTENING_VERSION = "flat-1"


@dataclass(frozen=True)
class OcrPage:
    """Words in reading order, in pixels of the upright picture that `upright` leads to.

    `unread` counts the text lines that were found and not read, where they are so many that the page may be written in
    a script that the engine does not know; else 0.
    """

    words: tuple[Word, ...]
    upright: Upright
    unread: int = 0


class OcrEngine(Protocol):
    """Reads one page image at a time, on one thread; the same pixels give the same words."""

    name: str
    version: str  # changes when the same image could give other words

    def read(self, image: Image.Image) -> OcrPage:
        """All words of a page of mode "RGB" or "L", whichever way it was held."""

    def upright(self, image: Image.Image) -> Upright:
        """The same way to the upright picture that `read` reports, found without reading everything."""

    def read_part(self, page: Image.Image, box: BBox) -> tuple[Word, ...]:
        """What stands in a box of a page that is upright already, in pixels of that page.

        Nothing is turned, and where no line is found the box is read as one.
        """

    def read_pieces(self, page: Image.Image, boxes: Sequence[BBox], *, quickly: bool = False) -> str:
        """What some boxes of an upright page say, each a piece of one line, as if they stood beside each other.

        `quickly` where it will be read again, by an engine that has a cheaper way.
        """


# Imported on use: each engine's libraries cost a second or more and a hundred megabytes.
_ENGINES = {
    "tesseract": "flows.reading.ocr.tesseract:TesseractEngine",
    "rapidocr": "flows.reading.ocr.rapid:RapidEngine",
    "auto": "flows.reading.ocr.rapid:RapidEngine",
}


@functools.cache
def load_engine(name: str, **options: Hashable) -> OcrEngine:
    """The engine `name` with its models loaded; the same arguments give the same object in one process.

    Args:
        name: "tesseract", "rapidocr" or "auto", the default path.
        options: the engine's own, see its class.

    Raises:
        ConfigurationError: no such engine, or its binary, data or language is missing.
    """
    if name not in _ENGINES:
        raise ConfigurationError(f"There is no OCR engine {name!r}; choose one of {', '.join(sorted(_ENGINES))}.")
    module, _, engine_class = _ENGINES[name].partition(":")
    engine: OcrEngine = getattr(importlib.import_module(module), engine_class)(**options)
    return _FromAbove(engine if name == "tesseract" else _of_any_script(engine))


def _of_any_script(engine: OcrEngine) -> OcrEngine:
    from flows.reading.ocr.scripts import AnyScript, LineEngine, installed_languages  # noqa: PLC0415 - it needs these types

    return AnyScript(cast("LineEngine", engine), installed_languages())


class _FromAbove:
    """An engine that is handed each page as seen from above; its way leads from the page as it was photographed."""

    def __init__(self, engine: OcrEngine) -> None:
        self._engine = engine
        self.name = engine.name
        self.version = f"{engine.version}/{_FLATTENING_VERSION}"

    def read(self, image: Image.Image) -> OcrPage:
        """As the engine; a page without perspective is handed on as it is."""
        flat = flattening(image)
        if flat is None:
            return self._engine.read(image)
        page = self._engine.read(flat.apply(image))
        return replace(page, upright=page.upright.after(flat))

    def upright(self, image: Image.Image) -> Upright:
        """As the engine, from the page as it was photographed."""
        flat = flattening(image)
        if flat is None:
            return self._engine.upright(image)
        return self._engine.upright(flat.apply(image)).after(flat)

    def read_part(self, page: Image.Image, box: BBox) -> tuple[Word, ...]:
        """As the engine: the upright page is flat already."""
        return self._engine.read_part(page, box)

    def read_pieces(self, page: Image.Image, boxes: Sequence[BBox], *, quickly: bool = False) -> str:
        """As the engine."""
        return self._engine.read_pieces(page, boxes, quickly=quickly)
