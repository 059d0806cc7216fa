"""Pages in a script that the default engine does not know, read by the system's Tesseract data for it.

PP-OCR's model of the wheel reads Latin letters, Chinese and Japanese. On a page of which many lines were not read,
Tesseract's script detection (`tesseract-ocr-osd`) tells the script, and one installed language of it reads the page.
Without either, the page says how many of its lines were not read, so that a person knows what to install.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from flows.domain.fields import BBox, Word
from flows.reading.ocr.engine import OcrEngine, OcrPage
from flows.reading.ocr.geometry import Upright
from flows.reading.ocr.joined_letters import tidied
from flows.reading.ocr.straighten import flatten_light

if TYPE_CHECKING:
    from flows.reading.ocr.tesseract import TesseractEngine

# The scripts as Tesseract's script detection names them, with its languages (also Debian's packages are named so,
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
_SPLIT_INTO_LETTERS = frozenset({"tha", "kor"})
_SCRIPTS_VERSION = "scripts-2"
_DETECTION = "osd"
_FOLDERS = ("/usr/share/tesseract-ocr/*/tessdata", "/usr/share/tessdata", "/usr/local/share/tessdata")
_MIN_SHARE = 0.4  # of a page's letters, that are in the language's script
_SURE_WORD = 0.6
_SURE_PART = 0.8
_DETECTION_SIDE_PX = 1600


def installed_languages() -> dict[str, str]:
    """Return the installed languages of scripts that the default engine lacks, each with its data's folder."""
    folders = [Path(found) for found in (os.environ.get("TESSDATA_PREFIX"),) if found]
    folders += [path for pattern in _FOLDERS for path in sorted(Path("/").glob(pattern.lstrip("/")))]
    wanted = [_DETECTION, *(name for languages, _ in SCRIPTS.values() for name in languages)]
    return {
        name: str(folder)
        for folder in reversed(folders)
        for name in wanted
        if (folder / f"{name}.traineddata").is_file()
    }


class AnyScript:
    """An engine whose doubtful pages are offered to Tesseract in an installed language of their script.

    Args:
        languages: Tesseract's names, `osd` for script detection among them, each with its data's folder.
    """

    def __init__(self, engine: OcrEngine, languages: Mapping[str, str]) -> None:
        self._engine = engine
        self._languages = languages
        self.name = engine.name
        self.version = "/".join([engine.version, _SCRIPTS_VERSION, *sorted(languages)])

    def read(self, image: Image.Image) -> OcrPage:
        """As the engine, or as the language in whose script the page is written."""
        page = self._engine.read(image)
        if not page.unread or _DETECTION not in self._languages:
            return page
        upright = page.upright.apply(image)
        language = self._language_of(upright)
        other = self._in(*language, upright, page) if language else None
        return max(page, other, key=lambda each: _surely_read(each.words)) if other else page

    def upright(self, image: Image.Image) -> Upright:
        """As the engine."""
        return self._engine.upright(image)

    def read_part(self, page: Image.Image, box: BBox) -> tuple[Word, ...]:
        """As the engine, or where that is unsure, as the language in whose script the page is written."""
        words = self._engine.read_part(page, box)
        if _DETECTION not in self._languages or (words and min(word.confidence for word in words) >= _SURE_PART):
            return words
        language = self._language_of(page)
        if language is None:
            return words
        name, script = language
        other = _tesseract(name, self._languages[name]).read_part(page, box)
        return max(words, other, key=_surely_read) if _is_in(script, other) else words

    def read_pieces(self, page: Image.Image, boxes: Sequence[BBox], *, quickly: bool = False) -> str:
        """As the engine."""
        return self._engine.read_pieces(page, boxes, quickly=quickly)

    def _language_of(self, upright: Image.Image) -> tuple[str, str] | None:
        """Return an installed language for the page's script, and the word that its letters' names begin with."""
        script = _script_of(upright, self._languages[_DETECTION])
        languages, letters = SCRIPTS.get(script or "", ((), ""))
        name = next((name for name in languages if name in self._languages), None)
        return (name, letters) if name else None

    def _in(self, name: str, script: str, upright: Image.Image, page: OcrPage) -> OcrPage | None:
        """Return the upright page as that language reads it, where it reads its own letters on it."""
        read = _tesseract(name, self._languages[name]).read_level(upright)
        if not _is_in(script, read.words):
            return None
        words = tidied(read.words, script) if name in _SPLIT_INTO_LETTERS else read.words
        return replace(read, words=words, upright=page.upright, unread=0)


def _is_in(script: str, words: Sequence[Word]) -> bool:
    letters = [char for word in words if word.confidence >= _SURE_WORD for char in word.text if char.isalpha()]
    own = sum(unicodedata.name(char, "").startswith(script) for char in letters)
    return bool(letters) and own >= _MIN_SHARE * len(letters)


def _surely_read(words: Sequence[Word]) -> float:
    return sum(word.confidence * len(word.text) for word in words if word.confidence >= _SURE_WORD)


def _script_of(image: Image.Image, folder: str) -> str | None:
    """Return the script of most of the page's letters, found on a small copy in even light; None where unsure."""
    if importlib.util.find_spec("tesserocr") is None:
        return None
    tesserocr = importlib.import_module("tesserocr")
    small = image.convert("L")
    small.thumbnail((_DETECTION_SIDE_PX, _DETECTION_SIDE_PX))
    even = Image.fromarray(flatten_light(np.asarray(small, dtype=np.uint8)))
    with tesserocr.PyTessBaseAPI(path=folder, lang=_DETECTION, psm=tesserocr.PSM.OSD_ONLY) as api:
        api.SetImage(even)
        found = api.DetectOrientationScript()
    return str(found["script_name"]) if found else None


@functools.cache
def _tesseract(name: str, folder: str) -> TesseractEngine:
    loaded = importlib.import_module("flows.reading.ocr.tesseract")  # for such a page only
    english = ("eng",) if (Path(folder) / "eng.traineddata").is_file() else ()
    engine: TesseractEngine = loaded.TesseractEngine(languages=(name, *english), tessdata=folder)
    return engine
