"""Pages in a script that the default engine does not know, read by the system's Tesseract data for it.

PP-OCR's model of the wheel reads Latin letters, Chinese and Japanese. Of a page with many lines that were not read, a
few are read in one installed language of each script, and in English; the script with the most letters that are sure
has it, and its language reads the lines that the default engine found. Without it, the page says how many of its lines
were not read, so that a person knows what to install.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from flows.domain.fields import BBox, Word
from flows.reading.ocr.engine import OcrEngine, OcrPage
from flows.reading.ocr.geometry import Floats, Upright, bbox_of, cut_out, moved
from flows.reading.ocr.lines import in_reading_order, upside_down
from flows.reading.ocr.script_lines import better, is_of, read_lines, surely_read

if TYPE_CHECKING:
    from flows.reading.ocr.tesseract import TesseractEngine

# The scripts with Tesseract's languages of them (also Debian's packages are named so,
# `tesseract-ocr-<name>`), the likeliest first, and the first word of the Unicode names of their letters.
SCRIPTS = {
    "Arabic": (("ara", "fas"), "ARABIC"),
    "Bengali": (("ben",), "BENGALI"),
    "Cyrillic": (("rus", "ukr", "bul", "bel", "srp", "mkd"), "CYRILLIC"),
    "Devanagari": (("hin",), "DEVANAGARI"),
    "Georgian": (("kat",), "GEORGIAN"),
    "Greek": (("ell",), "GREEK"),
    "Hebrew": (("heb",), "HEBREW"),
    "Korean": (("kor",), "HANGUL"),
    "Tamil": (("tam",), "TAMIL"),
    "Thai": (("tha",), "THAI"),
}
_LATIN = "LATIN"
_SCRIPTS_VERSION = "scripts-4"
_FOLDERS = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata")
_MIN_SHARE = 0.4  # of a page's letters, that are in the language's script
_SURE_WORD = 0.6
_SURE_PART = 0.8
_MIN_OTHER_SHARE = 0.1
_PROBE_LINES, _MIN_SURE_LETTERS = 6, 6.0
_FIRST_PROBES, _LIKELIEST = 2, 3


def installed_languages() -> dict[str, str]:
    """Return the installed languages of scripts that the default engine lacks, each with its data's folder.

    They are looked for in the folder that `TESSDATA_PREFIX` names, in the environment and where systems keep them.
    """
    folders = [Path(found) for found in (os.environ.get("TESSDATA_PREFIX"),) if found]
    folders += [Path(sys.prefix, "share", "tessdata")]
    folders += [path for pattern in _FOLDERS for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    wanted = [name for languages, _ in SCRIPTS.values() for name in languages]
    return {
        name: str(folder)
        for folder in reversed(folders)
        for name in wanted
        if (folder / f"{name}.traineddata").is_file()
    }


class LineEngine(OcrEngine, Protocol):
    """An engine that finds lines before it reads them."""

    def find_lines(self, image: Image.Image) -> Floats:
        """The lines that `read` reads, as quads on the page in the text's direction, the longest first."""

    def read_upside_down(self, image: Image.Image) -> OcrPage:
        """As `read`, with the page turned by 180 degrees from what that took for upright."""


@dataclass(frozen=True)
class _Language:
    """A language of Tesseract's (None: none of another script), and how many letters it reads surely in some lines."""

    name: str | None
    script: str
    sure_letters: float
    quads: Floats


class AnyScript:
    """An engine whose doubtful pages are offered to Tesseract in the installed languages of other scripts.

    Args:
        languages: Tesseract's names, each with its data's folder.
    """

    def __init__(self, engine: LineEngine, languages: Mapping[str, str]) -> None:
        self._engine = engine
        self._languages = languages
        self.name = engine.name
        self.version = "/".join([engine.version, _SCRIPTS_VERSION, *sorted(languages)])

    def read(self, image: Image.Image) -> OcrPage:
        """As the engine, or as the language in whose script the page is written."""
        page = self._engine.read(image)
        if not self._languages or not (page.unread or _has_other_letters(page.words)):
            return page
        grey = np.asarray(image.convert("L"), dtype=np.uint8)
        quads = self._engine.find_lines(image)
        found = self._language_of(grey, (quads, upside_down(quads)))
        return self._in(found, grey, page if found.quads is quads else self._engine.read_upside_down(image))

    def upright(self, image: Image.Image) -> Upright:
        """As the engine, or as the language in whose script the page is written: it may know better which way is up."""
        return self.read(image).upright if self._languages else self._engine.upright(image)

    def read_part(self, page: Image.Image, box: BBox) -> tuple[Word, ...]:
        """As the engine, or where that is unsure, as the language in whose script the page is written."""
        words = self._engine.read_part(page, box)
        if not self._languages or (words and min(word.confidence for word in words) >= _SURE_PART):
            return words
        grey = np.asarray(page.convert("L"), dtype=np.uint8)
        found = self._language_of(grey, (self._engine.find_lines(page),))
        if found.name is None:
            return words
        part, (x, y) = cut_out(page, box)
        there = np.asarray(part.convert("L"), dtype=np.uint8)
        whole = Upright.turned(part.size, 0)
        lines = read_lines(self._tesseract(found.name), found.script, there, self._engine.find_lines(part), whole)
        other = in_reading_order([moved(word, x, y) for word in lines if word is not None])
        return max(words, other, key=_surely_read) if _is_in(found.script, other) else words

    def read_pieces(self, page: Image.Image, boxes: Sequence[BBox], *, quickly: bool = False) -> str:
        """As the engine."""
        return self._engine.read_pieces(page, boxes, quickly=quickly)

    def _language_of(self, grey: NDArray[np.uint8], ways: Sequence[Floats]) -> _Language:
        """Return the installed language that reads the longest lines best; none where English does, or all badly.

        Each reads the first two of them, only the likeliest the others.

        Args:
            ways: the page's lines, and the same for the page the other way up.
        """
        scripts = [(None, _LATIN)] + [
            (name, script)
            for names, script in SCRIPTS.values()
            for name in [name for name in names if name in self._languages][:1]
        ]
        all_of_them = [_Language(name, script, 0.0, quads) for name, script in scripts for quads in ways]
        tried = self._tried(all_of_them, grey, slice(0, _FIRST_PROBES))
        enough = sorted((one.sure_letters for one in tried if one.sure_letters), reverse=True)[:_LIKELIEST]
        likely = [one for one in tried if one.name is None or (enough and one.sure_letters >= enough[-1])]
        if not any(one.name for one in likely):
            likely = tried
        return max(self._tried(likely, grey, slice(_FIRST_PROBES, _PROBE_LINES)), key=_claim)

    def _tried(self, languages: Sequence[_Language], grey: NDArray[np.uint8], lines: slice) -> list[_Language]:
        """Return each with the letters that it surely reads in these of the longest lines added."""
        return [
            replace(one, sure_letters=one.sure_letters + surely_read(self._tesseract(one.name), one.script, grey, part))
            for one in languages
            for part in [one.quads[lines]]
        ]

    def _in(self, found: _Language, grey: NDArray[np.uint8], page: OcrPage) -> OcrPage:
        """Return the page with the lines that the language reads, the others as the engine read them."""
        if found.name is None:
            return page
        before = {word.bbox: word for word in page.words}
        lines = read_lines(self._tesseract(found.name), found.script, grey, found.quads, page.upright)
        boxes = [bbox_of(quad, page.upright.width, page.upright.height) for quad in page.upright.map(found.quads)]
        words = [better(before.get(box), line, found.script) for box, line in zip(boxes, lines, strict=True)]
        read = in_reading_order([word for word in words if word is not None])
        return OcrPage(read, page.upright) if _is_in(found.script, read) else page

    def _tesseract(self, name: str | None) -> TesseractEngine:
        return _tesseract(name, self._languages[name]) if name else _tesseract("eng", None)


def _claim(tried: _Language) -> float:
    """Return how much speaks for a language; English, which is first, has the page where as much speaks for both."""
    return tried.sure_letters if tried.name is None or tried.sure_letters > _MIN_SURE_LETTERS else -1.0


def _has_other_letters(words: Sequence[Word]) -> bool:
    """Tell whether the engine read letters of another script: it knows some of the Greek ones, and not surely."""
    letters = [char for word in words for char in word.text if char.isalpha()]
    others = sum(is_of(char, script) for char in letters if not char.isascii() for _, script in SCRIPTS.values())
    return others > _MIN_OTHER_SHARE * len(letters)


def _is_in(script: str, words: Sequence[Word]) -> bool:
    letters = [char for word in words if word.confidence >= _SURE_WORD for char in word.text if char.isalpha()]
    return bool(letters) and sum(is_of(char, script) for char in letters) >= _MIN_SHARE * len(letters)


def _surely_read(words: Sequence[Word]) -> float:
    return sum(word.confidence * len(word.text) for word in words if word.confidence >= _SURE_WORD)


@functools.lru_cache(maxsize=1)  # each takes memory, and is loaded quickly
def _tesseract(name: str, folder: str | None) -> TesseractEngine:
    loaded = importlib.import_module("flows.reading.ocr.tesseract")  # for such a page only
    engine: TesseractEngine = loaded.TesseractEngine(languages=(name,), tessdata=folder)
    return engine
