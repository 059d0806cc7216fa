"""Currencies that a receipt may be in by its language, where nothing on it names one: candidates for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

from babel import Locale
from babel.languages import get_official_languages
from babel.numbers import get_currency_precision, get_territory_currencies

from flows.reading.parser.currency_marks import MARKS
from flows.reading.parser.lines import Money


def currencies_of_language(language: str | None, money: Sequence[Money]) -> list[str]:
    """Return the known currencies of the countries where a language is official, by Unicode's CLDR.

    Those of several of its countries come first; before them, where no amount has decimals, those without any.
    """
    if language is None:
        return []
    countries = _countries_by_currency(language)
    whole = not any(each.amount.decimals == 2 for each in money)
    return sorted(
        countries, key=lambda code: (get_currency_precision(code) > 0 if whole else 0, -countries[code], code)
    )


@lru_cache(maxsize=32)
def _countries_by_currency(language: str) -> Counter[str]:
    """Return how many countries of a language each known currency has."""
    places = [code for code in map(str, Locale("en").territories) if len(code) == 2]
    spoken = [code for code in places if language in get_official_languages(code, regional=True, de_facto=True)]
    return Counter(
        currency for code in spoken for currency in get_territory_currencies(code) if currency in set(MARKS.values())
    )
