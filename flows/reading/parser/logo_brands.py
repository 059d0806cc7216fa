"""A logo of which OCR lost a letter, known by the list of brands: `RSSMANN` in Germany is Rossmann.

Only where the brand is one of everyday shopping in the receipt's country, and no word of a language begins like the
text, or the brand is a word of the receipt's other lines. The name is then likely, and marked to be checked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import replace
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from flows.reading.brands import Brand, all_brands, name_key
from flows.reading.parser.folding import fold
from flows.reading.parser.lines import Line
from flows.reading.parser.merchant import NameCandidate
from flows.reading.parser.name_spelling import lost_letter

_FEW_LETTERS = 4  # of which one may be wrong
_FARTHEST = 1.5  # behind the best name's score
_FIRST_LINES = 2


def with_logo_brand(ranked: Sequence[NameCandidate], lines: Sequence[Line], country: str | None) -> list[NameCandidate]:
    """Return the names with a brand in front, if the logo above the others is a slip of it.

    Args:
        lines: The receipt's, whose other words may name the brand.
        country: The receipt's, as ISO 3166 code; without it nothing is taken for a brand.
    """
    if not ranked or country is None:
        return list(ranked)
    for each in ranked:
        if each.lines[0].index >= _FIRST_LINES or len(each.lines) > 1 or ranked[0].score - each.score > _FARTHEST:
            continue
        others = [line.raw for line in lines if line.index != each.lines[0].index]
        brand = slipped_brand(each.name, country, others)
        if brand is not None:
            named = replace(each, name=brand.name, score=ranked[0].score, brand=True)
            return [named, *(other for other in ranked if other is not each)]
    return list(ranked)


def slipped_brand(text: str, country: str, others: Sequence[str] = ()) -> Brand | None:
    """Return the one brand of everyday shopping that a text is a slip of.

    Either the text means nothing by itself and a letter is lost, or the receipt's `others` lines have the brand as a
    word, and a letter is lost or wrong.
    """
    key = name_key(text)
    if key in _all_keys():
        return None
    words = {name_key(word) for line in others for word in re.findall(r"[^\W_]+", line)}
    says_nothing = _says_nothing(key)
    known = [brand for length in (0, 1) for brand in _everyday_brands(country).get(len(key) + length, ())]
    found = {brand.name: brand for brand in known if _is_slip(key, brand.keys[0], words, says_nothing=says_nothing)}
    return next(iter(found.values())) if len(found) == 1 else None


@lru_cache(maxsize=1)
def _all_keys() -> frozenset[str]:
    return frozenset(key for brand in all_brands() for key in brand.keys)


@lru_cache(maxsize=64)
def _everyday_brands(country: str) -> dict[int, list[Brand]]:
    """The brands of everyday shopping in a country, by the length of their names."""
    found: dict[int, list[Brand]] = {}
    for brand in all_brands():
        if brand.everyday and brand.is_in(frozenset({country})):
            found.setdefault(len(brand.keys[0]), []).append(brand)
    return found


def _is_slip(key: str, known: str, words: Set[str], *, says_nothing: bool) -> bool:
    if known in words and key not in words:
        return lost_letter(key, known) or (
            len(key) == len(known) >= _FEW_LETTERS and Levenshtein.distance(key, known) == 1
        )
    return says_nothing and lost_letter(key, known)


def _says_nothing(key: str) -> bool:
    """Tell whether no word is like this: it has no vowel, or three consonants before its first one."""
    return key.isascii() and re.match(r"[^aeiouy\d]{3}", fold(key)) is not None
