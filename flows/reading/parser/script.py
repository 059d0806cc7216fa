"""The script that a page is written in, and what it says about the place: one that is none of the Latin countries'."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from babel import Locale
from babel.languages import get_official_languages

from flows.reading.parser.cldr import language_names

# By the first word of their letters' Unicode names. Chinese, Japanese and Korean are told by their own signs elsewhere.
_SCRIPTS = ("CYRILLIC", "GREEK", "HEBREW", "ARABIC", "THAI", "DEVANAGARI", "BENGALI", "TAMIL", "GEORGIAN", "ARMENIAN")
_MIN_LETTERS = 12  # a few are a brand's name


def main_script(texts: Iterable[str]) -> str | None:
    """Return the script other than the Latin one that most letters of such are of; None where they are few."""
    letters = Counter(script for text in texts for char in text if (script := _script_of(char)))
    if not letters:
        return None
    (best, count) = letters.most_common(1)[0]
    return best if count >= _MIN_LETTERS else None


@lru_cache(maxsize=16)
def countries_writing(script: str) -> dict[str, float]:
    """Return the countries with an official language in a script, by Unicode's CLDR, and its share of them."""
    places = [code for code in map(str, Locale("en").territories) if len(code) == 2]
    own = language_names()
    names = {code: [own[one] for one in get_official_languages(code) if one in own] for code in places}
    shares = {code: _share_written_in(script, each) for code, each in names.items()}
    return {code: share for code, share in shares.items() if share}


def _share_written_in(script: str, names: Sequence[str]) -> float:
    return sum(_script_of(name[0]) == script for name in names) / max(len(names), 1)


@lru_cache(maxsize=5_000)
def _script_of(char: str) -> str | None:
    if char.isascii() or not char.isalpha():
        return None
    first = unicodedata.name(char, "").split(" ", 1)[0]
    return first if first in _SCRIPTS else None
