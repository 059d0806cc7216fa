"""Currencies that a receipt may be in by its language or script, where nothing on it names one: for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache

from babel import Locale
from babel.languages import get_official_languages
from babel.numbers import get_currency_precision, get_territory_currencies

from flows.domain.fields import Found
from flows.reading.parser.currency_marks import MARKS
from flows.reading.parser.lines import Money
from flows.reading.parser.script import countries_writing


def likely_currencies(language: str | None, script: str | None, money: Sequence[Money]) -> list[Found[str]]:
    """Return the currencies of the language, or where it is not known of the script, the likeliest first."""
    if language is not None:
        return _found(_of_language(language, money), f"where the language is {language}")
    return _found(_of_script(script), f"where the script is {script.title()}") if script else []


def _found(codes: Iterable[str], why: str) -> list[Found[str]]:
    return [Found(value=code, confidence=0.0, evidence=why) for code in codes]


def _of_language(language: str, money: Sequence[Money]) -> list[str]:
    """Return the known currencies of the countries where a language is official, by Unicode's CLDR.

    Those of several of its countries come first; before them, where no amount has decimals, those without any.
    """
    countries = _countries_by_currency(language)
    whole = not any(each.amount.decimals == 2 for each in money)
    return sorted(
        countries, key=lambda code: (get_currency_precision(code) > 0 if whole else 0, -countries[code], code)
    )


def _of_script(script: str) -> list[str]:
    """Return the known currencies of the countries where people write so, by Unicode's CLDR.

    Those of countries where nothing is written otherwise come first, and among them those of several.
    """
    shares: Counter[str] = Counter()
    for country, share in countries_writing(script).items():
        for currency in set(get_territory_currencies(country)) & set(MARKS.values()):
            shares[currency] += share  # type: ignore[assignment]  # a Counter's values may be any numbers
    return sorted(shares, key=lambda code: (-shares[code], code))


@lru_cache(maxsize=32)
def _countries_by_currency(language: str) -> Counter[str]:
    """Return how many countries of a language each known currency has."""
    places = [code for code in map(str, Locale("en").territories) if len(code) == 2]
    spoken = [code for code in places if language in get_official_languages(code, regional=True, de_facto=True)]
    return Counter(
        currency for code in spoken for currency in get_territory_currencies(code) if currency in set(MARKS.values())
    )
