"""The script that a page is written in, and what it says about the place: one that is none of the Latin countries'."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError
from babel.languages import get_official_languages

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
    shares = {code: _share_written_in(script, get_official_languages(code)) for code in places}
    return {code: share for code, share in shares.items() if share}


def _share_written_in(script: str, languages: Iterable[str]) -> float:
    names = [name for name in map(_own_name, languages) if name]
    return sum(_script_of(name[0]) == script for name in names) / max(len(names), 1)


def _own_name(language: str) -> str | None:
    try:
        return str(Locale.parse(language).display_name or "")
    except (UnknownLocaleError, ValueError):
        return None


@lru_cache(maxsize=5_000)
def _script_of(char: str) -> str | None:
    if char.isascii() or not char.isalpha():
        return None
    first = unicodedata.name(char, "").split(" ", 1)[0]
    return first if first in _SCRIPTS else None
