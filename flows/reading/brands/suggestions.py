"""What a merchant's name may be, from its first letters: the owner's merchants first, then brands of the list."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from babel import Locale
from babel.numbers import get_territory_currencies

from flows.domain.folding import fold_text
from flows.reading.brands.brands import Brand, all_brands, name_key

_LAST = "\U0010ffff"  # behind any letter
MOST = 8  # as many as are taken in at a glance
_Rank = tuple[int, int, bool, int, str]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A name to take, and where it is from: the owner's books, or the list of brands."""

    name: str
    source: Literal["books", "brands"]


def suggest_merchants(
    text: str, own: Sequence[str], *, country: str | None = None, currency: str | None = None
) -> tuple[Suggestion, ...]:
    """Names that begin with a text, or have a word that does; case and accents do not matter.

    Args:
        text: What is typed so far. With nothing typed the owner's merchants are suggested alone.
        own: The owner's merchants, those to suggest first in front.
        country: The receipt's, as ISO 3166 code; brands that are there come first.
        currency: The receipt's; tells where brands may be if the country is not known.
    """
    typed = name_key(text)
    if not typed:
        return tuple(Suggestion(name, "books") for name in own[:MOST])
    mine = [(_fit(name, typed), place, name) for place, name in enumerate(own)]
    chosen = [Suggestion(name, "books") for fit, _, name in sorted(each for each in mine if each[0] is not None)]
    places = frozenset({country}) if country else countries_with(currency) if currency else frozenset()
    ranked = sorted(_fitting(typed, places), key=lambda each: each[0])
    chosen += [Suggestion(brand.name, "brands") for _, brand in ranked]
    once = {name_key(each.name): each for each in reversed(chosen)}  # the first of each spelling stays
    return tuple(each for each in chosen if once[name_key(each.name)] is each)[:MOST]


def _fit(name: str, typed: str) -> int | None:
    """0 for a name that begins with the typed letters, 1 for one of which a later word does, None for others."""
    if name_key(name).startswith(typed):
        return 0
    words = fold_text(name).split()
    return 1 if any(name_key(" ".join(words[start:])).startswith(typed) for start in range(1, len(words))) else None


def _fitting(typed: str, places: frozenset[str]) -> Iterator[tuple[_Rank, Brand]]:
    starts = _starts()
    for _, fit, brand in starts[bisect_left(starts, typed, key=_key) : bisect_left(starts, typed + _LAST, key=_key)]:
        distance = 1 if not brand.countries else 0 if brand.countries & places else 2
        yield (distance, fit, not brand.everyday, len(brand.name), brand.name), brand


@lru_cache(maxsize=1)
def _starts() -> list[tuple[str, int, Brand]]:
    """Where typing a brand's name may begin, in alphabetical order: its keys, and the key from each later word on."""
    found = []
    for brand in all_brands():
        found += [(key, 2 * bool(place), brand) for place, key in enumerate(brand.keys)]
        words = brand.name.split()
        found += [(name_key(" ".join(words[start:])), 1, brand) for start in range(1, len(words))]
    return sorted(found, key=_key)


def _key(start: tuple[str, int, Brand]) -> str:
    return start[0]


@lru_cache(maxsize=200)
def countries_with(currency: str) -> frozenset[str]:
    """The ISO 3166 codes of the countries where a currency is money today, by Unicode's CLDR."""
    codes = map(str, Locale("en").territories)
    return frozenset(code for code in codes if len(code) == 2 and currency in get_territory_currencies(code))
