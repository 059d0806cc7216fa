"""Cyrillic print that an engine for Latin letters took for them: `ИТОГО К ОПЛАТЕ` becomes `NTOO K ONNATE`.

Letters are compared by what they look like. Words that receipts in Cyrillic have are known again in that way and put
back, labels of amounts and of tax numbers above all; names and goods stay as they were read.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from flows.domain.fields import Page
from flows.reading.brands import shapes
from flows.reading.parser.folding import fold

_WORD = re.compile(r"[^\W_]+")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
# The legal form ООО before a name: three noughts to an engine.
_NOUGHTS = re.compile(r"(?<![\w.,])(?<!\d )[0OОо]{3}(?=\s?[\"'«<“”„*‘’]|\s[\u0410-\u042f])")
_MIN_LETTERS = 4
_ALIKE = 0.8  # one wrong letter of five
_MIN_WORDS = 2  # different ones; one may be a name in Latin letters
# What an engine makes of И, П, Л and Г differs from line to line: H or N, r or F. A Ч is a 4 or a Y.
_ALIKE_SHAPES = str.maketrans("nrf4", "htty")


def with_cyrillic(pages: Sequence[Page]) -> tuple[tuple[Page, ...], int]:
    """Return the pages with the words put back, and on how many lines they stand: 0 on any page of another script.

    On a page in Cyrillic only the legal form ООО is put back, which looks like noughts.
    """
    if any(_CYRILLIC.search(word.text) for page in pages for word in page.words):
        return tuple(_changed(page, _with_legal_form) for page in pages), 0
    told = {
        known for page in pages for word in page.words for known in map(_cyrillic, _WORD.findall(word.text)) if known
    }
    if len(told) < _MIN_WORDS:
        return tuple(pages), 0
    put_back = tuple(_changed(page, _put_back) for page in pages)
    lines = sum(
        new.text != old.text
        for page, before in zip(put_back, pages, strict=True)
        for new, old in zip(page.words, before.words, strict=True)
    )
    return put_back, lines


def _changed(page: Page, change: Callable[[str], str]) -> Page:
    return page.model_copy(
        update={"words": tuple(word.model_copy(update={"text": change(word.text)}) for word in page.words)}
    )


def _with_legal_form(text: str) -> str:
    return _NOUGHTS.sub("ООО", text)


def _put_back(text: str) -> str:
    words = _WORD.sub(lambda match: _in_case_of(match[0], _cyrillic(match[0]) or _tax_label(match[0])), text)
    return _with_legal_form(words)


def _in_case_of(read: str, word: str | None) -> str:
    return read if word is None else word.upper() if read.isupper() else word


@lru_cache(maxsize=20_000)
def _cyrillic(word: str) -> str | None:
    """Return the word of receipts in Cyrillic that a Latin one looks like, of four letters or more."""
    wanted = _look(word)
    if len(wanted) < _MIN_LETTERS or not word.isascii() or word.isdecimal():
        return None
    known = _known_words()
    if wanted in known:
        return known[wanted]
    if len(wanted) == _MIN_LETTERS:
        return None
    best = process.extractOne(wanted, known.keys(), scorer=Levenshtein.normalized_similarity, score_cutoff=_ALIKE)
    return known[best[0]] if best is not None else None


def _tax_label(word: str) -> str | None:
    """Return what a tax number is called, УНП for YHN: too short to tell anything but beside other words."""
    return _tax_labels().get(_look(word)) if word.isupper() else None


def _look(text: str) -> str:
    """Return a text by what it looks like, in letters that are the same for all that are taken for one another."""
    return shapes(text).translate(_ALIKE_SHAPES)


@lru_cache(maxsize=1)
def _known_words() -> dict[str, str]:
    labels = _data("concepts.json")
    listed = [*_data("countries.json")["cyrillic_words"], *(word for words in labels.values() for word in words)]
    return _by_look(fold(word) for word in listed if len(word) >= _MIN_LETTERS)


@lru_cache(maxsize=1)
def _tax_labels() -> dict[str, str]:
    forms = [form for entry in _data("countries.json")["countries"].values() for form in entry["tax_ids"]]
    return _by_look(word for form in forms for word in re.findall(r"[\u0400-\u04ff]+", form))


def _by_look(words: Iterable[str]) -> dict[str, str]:
    return {_look(word): word for word in reversed([*words]) if _CYRILLIC.match(word)}


def _data(name: str) -> dict[str, Any]:
    table: dict[str, Any] = json.loads(files("flows.reading.parser").joinpath(name).read_text(encoding="utf-8"))
    return table
