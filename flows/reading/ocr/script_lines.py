"""Lines that the default engine found and did not read, read by Tesseract in a language of their script.

Each line is cut out of the page level and by itself, so that Tesseract has nothing to find: neither the paper, nor the
columns, nor the page's direction. It takes some 20 ms of CPU a line.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from flows.domain.fields import BBox, Word
from flows.reading.ocr.geometry import Floats, Upright, bbox_of, side_lengths
from flows.reading.ocr.joined_letters import tidied

if TYPE_CHECKING:
    from flows.reading.ocr.tesseract import RawWord, TesseractEngine

# Detection takes in something of the lines above and below; photographed receipts in Cyrillic are read better without.
# Short words in Arabic are found only where they are smaller.
_SIZES, _EDGE_PX = ((56, 0.12), (40, -0.15)), 10  # heights in pixels, and shares of them that are cut off on each side
_DARK, _LIGHT = 2, 90  # percentiles of a line's pixels that become black and white
_SURE_WORD = 0.3  # of a word in the script; less sure ones are noise
_TELLING_WORD = 0.6  # of a word that tells the script
_SURE_LINE = 0.8  # with which the default engine's own reading of a line stands
# Scripts of which Tesseract gives nearly every letter as a word.
_SPLIT_INTO_LETTERS = frozenset({"THAI", "HANGUL"})
_LIKE_LATIN = frozenset({"CYRILLIC", "GREEK"})
_LIKE_LATIN_SURE = 0.6
_TELLING_FIGURES = re.compile(r"[0-9]+(?:[.,:/\-][0-9]+)+")
_FIGURES = re.compile(r"[0-9][0-9.,:/\-]*[0-9]|[0-9]")


def read_lines(
    engine: TesseractEngine, script: str, grey: NDArray[np.uint8], quads: Floats, upright: Upright
) -> list[Word | None]:
    """Return each line as one word of the upright page, as the default engine gives lines; None where nothing is read.

    Args:
        script: What the Unicode names of its letters begin with.
        quads: the lines on the page as it is, in reading direction.
    """
    lines = []
    for quad in quads:
        words = next(filter(None, (_words(engine.read_line(picture)) for picture in _pictures(grey, quad))), ())
        whole = tidied(words, script) if script in _SPLIT_INTO_LETTERS else words
        lines.append(_line(whole, upright.map(quad), upright))
    return lines


def surely_read(engine: TesseractEngine, script: str, grey: NDArray[np.uint8], quads: Floats) -> float:
    """Return how many letters of the script the lines surely have, each counted as it is sure."""
    return sum(_sure_letters(engine.read_line(next(_pictures(grey, quad))), script) for quad in quads)


def better(before: Word | None, line: Word | None, script: str) -> Word | None:
    """Return a line as the default engine read it or as Tesseract did, with the figures of the one that knows them.

    The former's reading stands where it is sure and Tesseract found no word of the script.
    """
    if before is None or line is None:
        return line or before
    if any(sum(is_of(char, script) for char in word) > 1 for word in line.text.split()):
        return _with_figures(line, before)
    if script in _LIKE_LATIN and any(map(str.isalpha, before.text)):
        before = _less_sure(before)
    return before if before.confidence >= _SURE_LINE else max(before, line, key=lambda each: each.confidence)


def is_of(char: str, script: str) -> bool:
    """Tell whether a letter is of a script."""
    return char.isalpha() and unicodedata.name(char, "").startswith(script)


def _sure_letters(raw: Sequence[RawWord], script: str) -> float:
    own = [(confidence, count) for text, confidence, _ in raw if (count := sum(is_of(char, script) for char in text))]
    if script in _SPLIT_INTO_LETTERS and min((confidence for confidence, _ in own), default=0.0) < _TELLING_WORD:
        return 0.0  # here a letter is a word, and of other print some of them are always sure
    return sum(confidence * count for confidence, count in own if confidence >= _TELLING_WORD)


def _less_sure(word: Word) -> Word:
    """Return a line that may be in letters that the default engine surely takes for Latin ones."""
    parts = tuple(min(part, _LIKE_LATIN_SURE) for part in word.parts)
    return word.model_copy(update={"confidence": min(word.confidence, _LIKE_LATIN_SURE), "parts": parts})


def _with_figures(line: Word, before: Word) -> Word:
    """Put the default engine's figures in the place of Tesseract's, where both have as many numbers on the line.

    Where Tesseract has fewer, dates, times and amounts that the default engine is sure of stand behind its words.
    """
    known, read = _FIGURES.findall(before.text), _FIGURES.findall(line.text)
    if before.confidence < _SURE_LINE or not known:
        return line
    if len(known) == len(read):
        left = iter(known)
        return line.model_copy(update={"text": _FIGURES.sub(lambda _: next(left), line.text)})
    if len(known) < len(read) or not all(map(_TELLING_FIGURES.fullmatch, known)):
        return line
    words = [word for word in line.text.split() if not _FIGURES.search(word)]
    return line.model_copy(update={"text": " ".join([*words, *known]), "parts": ()})


def _pictures(grey: NDArray[np.uint8], quad: Floats) -> Iterator[NDArray[np.uint8]]:
    """Return a line's picture, and for one in which nothing is found another that is lower and has more around it."""
    for height, cut_off in _SIZES:
        left, right = (quad[3] - quad[0]) * cut_off, (quad[2] - quad[1]) * cut_off
        yield _picture(grey, quad + np.stack([left, right, -right, -left]), height)


def _picture(grey: NDArray[np.uint8], quad: Floats, height_px: int) -> NDArray[np.uint8]:
    (width,), (height,) = side_lengths(quad[None])
    size = max(1, round(float(width) * height_px / max(float(height), 1.0))), height_px
    corners = np.array([[0, 0], [size[0], 0], size, [0, size[1]]], dtype=np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), corners)
    line = cv2.warpPerspective(grey, matrix, size, borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_CUBIC)
    dark, light = np.percentile(line, (_DARK, _LIGHT))
    even = np.clip((line.astype(np.float32) - dark) * (255.0 / max(float(light - dark), 1.0)), 0, 255).astype(np.uint8)
    framed = cv2.copyMakeBorder(even, _EDGE_PX, _EDGE_PX, _EDGE_PX, _EDGE_PX, cv2.BORDER_CONSTANT, value=(255,))
    return np.asarray(framed, dtype=np.uint8)


def _words(raw: Sequence[RawWord]) -> tuple[Word, ...]:
    return tuple(
        Word(text=text.strip(), confidence=min(1.0, confidence), bbox=BBox(*box))
        for text, confidence, box in raw
        if text.strip() and confidence >= _SURE_WORD
    )


def _line(words: Sequence[Word], quad: Floats, upright: Upright) -> Word | None:
    """Return a line's words as one, in the order in which Tesseract reads them: from right to left in Hebrew."""
    pieces = [piece for word in words for piece in word.text.split()]
    parts = tuple(word.confidence for word in words for _ in word.text.split())
    if not pieces:
        return None
    sure = sum(len(piece) * part for piece, part in zip(pieces, parts, strict=True)) / sum(map(len, pieces))
    box = bbox_of(quad, upright.width, upright.height)
    return Word(text=" ".join(pieces), confidence=sure, bbox=box, parts=parts)
