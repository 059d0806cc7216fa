"""Brands that a garbled name may be: by the shapes of its letters, among those of the country or of its currency."""

from __future__ import annotations

from functools import lru_cache

from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

from flows.reading.brands.brands import Brand, all_brands, name_key
from flows.reading.brands.suggestions import countries_with

_MIN_LETTERS, _MANY_LETTERS = 4, 7
# Alike so far as one wrong letter of four is, among the few brands of everyday shopping; of the many others less far.
_ALIKE_EVERYDAY, _ALIKE = 0.75, 0.8
# Cyrillic capitals as an engine for Latin letters sees them, and figures as the letters that they look like.
_SHAPES = str.maketrans("абвгдежзийклмнопрстуфхцчшщъыьэюяіўґєї0158", "abbtaex3hhknmhonpctyoxuhwwbbb3opiytei" + "oisb")


def shapes(text: str) -> str:
    """A text's letters by what they look like, whichever of Latin and Cyrillic they are."""
    return name_key(text).translate(_SHAPES)


def like_brands(text: str, country: str | None, currency: str | None) -> list[tuple[float, Brand]]:
    """The brands of a country, or else of a currency's countries, that a text may be a misreading of.

    Returns:
        Each with its likeness from 0 to 1, the likest first; none where neither country nor currency is known.
    """
    wanted = shapes(text)
    if len(wanted) < _MIN_LETTERS:
        return []
    places = frozenset({country}) if country else countries_with(currency) if currency else frozenset()
    known = _shapes_in(places)
    found = process.extract(
        wanted, known.keys(), scorer=Levenshtein.normalized_similarity, score_cutoff=_ALIKE_EVERYDAY, limit=5
    )
    likely = [(score, known[key]) for key, score, _ in found if _is_like(score, key, known[key])]
    return sorted(likely, key=lambda each: (-each[0], not each[1].everyday))


def _is_like(score: float, key: str, brand: Brand) -> bool:
    return score == 1.0 or score >= (_ALIKE_EVERYDAY if brand.everyday or len(key) >= _MANY_LETTERS else _ALIKE)


@lru_cache(maxsize=64)
def _shapes_in(places: frozenset[str]) -> dict[str, Brand]:
    """The brands of some countries by the shapes of their names; of equal shapes one of everyday shopping."""
    there = [brand for brand in all_brands() if brand.countries & places or (brand.everyday and brand.is_in(places))]
    ranked = sorted(there, key=lambda brand: brand.everyday)
    return {key: brand for brand in ranked if len(key := shapes(brand.name)) >= _MIN_LETTERS}
