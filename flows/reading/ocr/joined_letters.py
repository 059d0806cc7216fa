"""Tesseract's words in scripts that part words rarely, made whole; what it made of frames and dust, dropped.

In Thai and Hangul it gives nearly every letter as a word of its own, and of a drawn frame it makes bars and letters.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from statistics import median

from flows.domain.fields import BBox, Word

_GAP = 0.35  # in heights of the line: letters nearer than this are one word
_LEVEL = 0.5  # of the height: middles further apart are on different lines
_SURE, _UNLIKELY = 0.6, 0.3
_LOWEST, _HIGHEST = 0.45, 2.2  # in usual heights, beyond which other letters than the script's are dust or frames
_BARS = frozenset("ㅣ|!")


def tidied(words: Sequence[Word], script: str) -> tuple[Word, ...]:
    """Return the words of a page in a script, those that belong together joined, in the order in which they came.

    Args:
        script: The word that the Unicode names of its letters begin with.
    """
    usual = _usual_height(words)
    kept = [word for word in words if _is_print(word, script, usual)]
    found: list[Word] = []
    for word in kept:
        if found and _continues(found[-1], word, script):
            found[-1] = _together(found[-1], word)
        elif not _is_mark(word):  # a mark above a letter that came without its letter says nothing
            found.append(word)
    return tuple(found)


def _usual_height(words: Sequence[Word]) -> float:
    heights = [_height(word) for word in words if word.confidence >= _SURE and any(map(str.isalnum, word.text))]
    return median(heights) if heights else 0.0


def _height(word: Word) -> float:
    return word.bbox.bottom - word.bbox.top


def _is_print(word: Word, script: str, usual: float) -> bool:
    if all(char in _BARS for char in word.text):
        return False
    if any(_is_of(char, script) for char in word.text):
        return True
    said = any(char.isalnum() or unicodedata.category(char) == "Sc" for char in word.text)
    likely = word.confidence >= _UNLIKELY or any(map(str.isdigit, word.text))
    return said and likely and _LOWEST * usual <= _height(word) <= _HIGHEST * usual


def _is_mark(word: Word) -> bool:
    return all(char in _BARS or unicodedata.category(char) == "Mn" for char in word.text)


def _is_of(char: str, script: str) -> bool:
    return unicodedata.name(char, "").startswith(script)


def _continues(last: Word, word: Word, script: str) -> bool:
    if not (_is_of(last.text[-1], script) and _is_of(word.text[0], script)):
        return False
    height = max(_height(last), _height(word))
    level = abs((last.bbox.top + last.bbox.bottom) - (word.bbox.top + word.bbox.bottom)) / 2
    return (
        level < _LEVEL * height
        and last.bbox.left <= word.bbox.left
        and word.bbox.left - last.bbox.right < _GAP * height
    )


def _together(one: Word, other: Word) -> Word:
    letters = len(one.text) + len(other.text)
    confidence = (one.confidence * len(one.text) + other.confidence * len(other.text)) / letters
    box = BBox(
        one.bbox.left,
        min(one.bbox.top, other.bbox.top),
        other.bbox.right,
        max(one.bbox.bottom, other.bbox.bottom),
    )
    return Word(text=one.text + other.text, confidence=confidence, bbox=box)
