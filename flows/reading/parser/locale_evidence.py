"""The country of a receipt, from what identifies it: tax numbers, phones, postal codes, domains, tax rates, tax words.

Evidence comes from the head and the foot, never from bought things or from the merchant's name: "Canada Dry" is no
country. A word that several countries share speaks for all of them alike, and so for none against another. The forms
are data, with their sources: `countries.json`.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from importlib.resources import files
from typing import Any

from babel.numbers import get_territory_currencies

from flows.reading.parser.concepts import concepts_of
from flows.reading.parser.folding import fold
from flows.reading.parser.hints import Hints
from flows.reading.parser.lines import Line
from flows.reading.parser.names import looks_like_address

# Points of evidence. What identifies a country (a number in its form) counts more than a word that is usual there.
_TAX_ID, _POSTAL, _PHONE, _DOMAIN, _RATE, _TELLING_RATE, _PLACE, _WORD = 4.0, 3.0, 3.0, 2.5, 1.0, 3.0, 2.0, 1.5
_SCRIPT = 3.0  # one that is written in one country only
_LANGUAGE = 3.0  # several words of a language that is one country's
_MIN_LANGUAGE_WORDS = 2
_COMMA, _POINT = re.compile(r"\d,\d\d(?!\d)"), re.compile(r"\d\.\d\d(?![\d.])")
_MIN_COMMAS_PER_POINT = 3  # points also stand in dates and in quantities
_FOREIGN_RATE = -2.0
_NORTH_AMERICAN_PHONE = 1.9  # alone it settles a dollar, and identifies nothing else
_MOST = 8.0
_WORDS = "words"
_TELLING_AT_MONEY = frozenset({_WORDS, "script"})  # at totals, taxes and payments
_TELLING_ANYWHERE = frozenset({"tax number", "domain"})  # bought things have neither
_PAYMENTS = frozenset({"cash", "card", "total", "tax"})  # what is bought has no such label
_MIN_SCORE = 1.5
_HINT = 0.5
_AGREEING_KINDS, _AGREEING_LEAD = 3, 3.0  # place, words and rates together identify a country, too
IDENTIFIED_LEAD = 2.0  # points over the best country with another currency
_AREA_PHONE = re.compile(r"(?<![\d+])\(?([2-9]\d{2})\)?[-. ]{1,2}[2-9]\d{2}[-. ]\d{4}(?!\d)")
_DOTTED = re.compile(r"\b(?:[a-z]\.){2,}[a-z]?(?![^\W_])")  # `c.u.i.t.` is CUIT
_CALLING = r"(?:\+\+?|(?<![\w#])00) ?\(?0{{0,2}}{code}(?:\b|(?=\d))(?=(?:[ \-()/.]{{0,2}}\d){{6}})"
_DOMAIN_NAME = r"(?:www\.|@)[\w.\-]+\.{name}\b|\b[\w\-]{{3,}}\.{name}\b(?!\.\w)"


@dataclass(frozen=True)
class CountryGuess:
    """`lead` is in points over the best country with another currency; `hard` tells that something identifies it.

    `scores` holds every country that anything speaks for, to settle a symbol that several currencies share.
    """

    country: str | None
    currency: str | None
    lead: float
    hard: bool
    evidence: str
    scores: dict[str, float]
    identifying: frozenset[str]

    @property
    def identified(self) -> bool:
        return self.hard and self.lead >= IDENTIFIED_LEAD

    @property
    def confidence(self) -> float:
        if self.country is None:
            return 0.0
        sure = 1 - 0.5 * math.exp(-0.5 * max(self.lead, 0.0))
        return round(min(0.99 if self.identified else 0.9, sure), 3)

    def within(self, currencies: Iterable[str]) -> tuple[str | None, bool]:
        """Return which of some currencies the countries speak for, and whether something identifies the country."""
        wanted = set(currencies)
        fitting = {country: score for country, score in self.scores.items() if currency_of(country) in wanted}
        best, lead = _leader(fitting)
        hard = best in self.identifying and lead >= 1
        return (currency_of(best), hard) if best and lead > 0 and fitting[best] >= _MIN_SCORE else (None, False)


def on_day(place: CountryGuess, day: dt.date | None) -> CountryGuess:
    """Return the guess with the currency that its country had on the day of purchase: Croatia's until 2022 is HRK."""
    if place.country is None or day is None:
        return place
    return replace(place, currency=currency_then(place.country, day) or place.currency)


def guess_country(lines: Sequence[Line], hints: Hints, skip: Iterable[int] = ()) -> CountryGuess:
    """Weigh the printed evidence; hints only break ties.

    Args:
        skip: indexes of lines that say nothing about the place: the bought things and the merchant's name.
    """
    scores: dict[str, float] = {}
    told: dict[str, list[str]] = {}
    identifying: set[str] = set()
    left_out = set(skip)
    for country, points, what, hard in _evidence(lines, left_out):
        scores[country] = min(scores.get(country, 0.0) + points, _MOST)
        if points > 0:
            told.setdefault(country, []).append(what)
        if hard and points > 0:
            identifying.add(country)
    if hints.country and scores:
        scores[hints.country] = scores.get(hints.country, 0.0) + _HINT
    best, lead = _leader(scores)
    if best is None or scores[best] < _MIN_SCORE or lead <= 0:
        return CountryGuess(None, None, 0.0, False, "nothing tells the country", scores, frozenset(identifying))
    kinds = list(dict.fromkeys(told.get(best, [])))
    hard = best in identifying or (len(kinds) >= _AGREEING_KINDS and lead >= _AGREEING_LEAD)
    why = f"{best}: {', '.join(kinds)}"
    return CountryGuess(best, currency_of(best), lead, hard, why, scores, frozenset(identifying))


@lru_cache(maxsize=256)
def currency_of(country: str) -> str | None:
    """Return the currency of a country's shops, from CLDR."""
    found = get_territory_currencies(country)
    return found[-1] if found else None


def currency_then(country: str, day: dt.date) -> str | None:
    """Return the currency of a country's shops on a day, from CLDR."""
    since = _table()["euro_since"].get(country)
    if since is not None and day >= dt.date.fromisoformat(since):
        return "EUR"
    found = get_territory_currencies(country, day, day)
    return found[-1] if found else None


def _leader(scores: dict[str, float]) -> tuple[str | None, float]:
    """Return the best country, and its lead over the best one with another currency."""
    best = max(scores, key=lambda country: (scores[country], country), default=None)
    if best is None:
        return None, 0.0
    others = [score for country, score in scores.items() if currency_of(country) != currency_of(best)]
    return best, scores[best] - max([*others, 0.0])


_Evidence = tuple[str, float, str, bool]


def _evidence(lines: Sequence[Line], left_out: set[int]) -> list[_Evidence]:
    """Return country, points, kind, and whether it identifies the country; each kind once a country."""
    found: dict[tuple[str, str], _Evidence] = {}
    for line in lines:
        text = fold(line.raw)
        undotted = _DOTTED.sub(lambda match: match[0].replace(".", ""), text)
        text += f"\n{undotted}" if undotted != text else ""
        both = text if text.isascii() else f"{text}\n{line.raw}"
        told = _of_forms(both)
        is_left_out = line.index in left_out and not any(money.label.kind in _PAYMENTS for money in line.money)
        told += [] if is_left_out else [*_of_places(line, text), *_of_words(both)]
        for country, points, what, hard in told:
            if what in _TELLING_ANYWHERE or what in _TELLING_AT_MONEY or not (line.money or line.index in left_out):
                found.setdefault((country, what), (country, points, what, hard))
    return [*found.values(), *_of_rates(lines), *_of_languages([each for each in lines if each.index not in left_out])]


def _of_languages(lines: Sequence[Line]) -> list[_Evidence]:
    """Count the different words of each language that one country's shops write, on labels and in boilerplate.

    German, French and Italian are Switzerland's too, but there the decimal mark is a point.
    """
    text = "\n".join(fold(line.raw) for line in lines)
    has_comma = len(_COMMA.findall(text)) > _MIN_COMMAS_PER_POINT * len(_POINT.findall(text))
    counts = [
        (countries, len(set(pattern.findall(text))))
        for countries, pattern, wants_comma in _languages()
        if has_comma or not wants_comma
    ]
    most = max((count for _, count in counts), default=0)
    return [
        (country, _LANGUAGE, "language", True)
        for countries, count in counts
        for country in countries
        if count >= max(most, _MIN_LANGUAGE_WORDS)
    ]


@lru_cache(maxsize=1)
def _languages() -> tuple[tuple[tuple[str, ...], re.Pattern[str], bool], ...]:
    """Return countries, the pattern of their words, and whether those tell something beside decimal commas only."""
    of_one = [((country,), _any_of(words), False) for country, words in _table()["languages"].items()]
    shared = [(tuple(each["countries"]), _any_of(each["words"]), True) for each in _table()["comma_languages"]]
    return (*of_one, *shared)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    longest_first = sorted(map(fold, words), key=len, reverse=True)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, longest_first))})(?![^\W\d_])")


def _of_forms(text: str) -> list[_Evidence]:
    found: list[_Evidence] = []
    for country, form in _forms().items():
        for what, points, matches in form.checks:
            if matches(text):
                found.append((country, points, what, True))
    area = _AREA_PHONE.search(text)
    if area is not None:
        theirs = _area_codes().get(area[1])
        found += [(theirs, _NORTH_AMERICAN_PHONE, "area code", True)] if theirs else []
    return found


def _of_places(line: Line, text: str) -> list[_Evidence]:
    """Cities and countries count in addresses only: on their own they are as often a dish or a name."""
    if not looks_like_address(line.raw) and not re.search(r"\b\d{4,6}\b", text):
        return []
    return [(country, _PLACE, "place", False) for country, form in _forms().items() if form.places.search(text)]


def _of_words(text: str) -> list[_Evidence]:
    found: list[_Evidence] = []
    for pattern, countries, is_script in _shared_words():
        if pattern.search(text):
            kind = (_SCRIPT, "script", True) if is_script else (_WORD, _WORDS, False)
            found += [(country, *kind) for country in countries]
    return found


def _of_rates(lines: Sequence[Line]) -> list[_Evidence]:
    """Hold the tax rates that are printed against those of each country."""
    rates = {
        amount.value.normalize()
        for line in lines
        if "TAX" in concepts_of(line.text) or any(money.label.kind in {"tax", "table"} for money in line.money)
        for amount in line.amounts
        if amount.percent and 0 < amount.value < 30
    }
    if not rates:
        return []
    found: list[_Evidence] = []
    for country, form in _forms().items():
        if form.telling & rates:
            found.append((country, _TELLING_RATE, "tax rate", True))
        elif form.rates:
            found.append((country, _RATE if rates <= form.rates else _FOREIGN_RATE, "tax rate", False))
    return found


@dataclass(frozen=True)
class _Form:
    checks: tuple[tuple[str, float, Callable[[str], Any]], ...]
    places: re.Pattern[str]
    rates: frozenset[Decimal]
    telling: frozenset[Decimal]


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(
        files("flows.reading.parser").joinpath("countries.json").read_text(encoding="utf-8")
    )
    return table


@lru_cache(maxsize=1)
def _forms() -> dict[str, _Form]:
    return {country: _form(entry) for country, entry in _table()["countries"].items()}


def _form(entry: dict[str, Any]) -> _Form:
    checks: list[tuple[str, float, Callable[[str], Any]]] = []
    for what, points, patterns in (
        ("tax number", _TAX_ID, entry["tax_ids"]),
        ("postal code", _POSTAL, entry.get("postal", [])),
        (
            "phone",
            _PHONE,
            [*([_CALLING.format(code=entry["calling"])] if entry["calling"] else []), *entry.get("phones", [])],
        ),
        ("domain", _DOMAIN, [_DOMAIN_NAME.format(name=name) for name in entry["domains"]]),
    ):
        if patterns:
            checks.append((what, points, _compiled("|".join(patterns)).search))
    places = "|".join(re.escape(fold(place)) for place in entry["places"])
    return _Form(
        tuple(checks),
        re.compile(rf"(?<![^\W\d_])(?:{places})(?![^\W\d_])"),
        frozenset(Decimal(rate).normalize() for rate in entry.get("rates", ())),
        frozenset(Decimal(rate).normalize() for rate in entry.get("telling_rates", ())),
    )


@lru_cache(maxsize=1)
def _area_codes() -> dict[str, str]:
    """Return the countries of the North American area codes."""
    return {
        code: country for country, listed in _table()["area_codes"].items() for line in listed for code in line.split()
    }


@lru_cache(maxsize=1)
def _shared_words() -> tuple[tuple[re.Pattern[str], tuple[str, ...], bool], ...]:
    return tuple(
        (_compiled(entry["pattern"]), tuple(entry["countries"]), entry.get("script", False))
        for entry in _table()["words"]
    )


def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern with its letters folded as the text is; ranges of a script are looked for as printed."""
    if re.search(r"\[[^\x00-\x7f]", pattern):
        return re.compile(pattern)
    return re.compile(re.sub(r"[^\x00-\x7f]+", lambda match: f"(?:{match[0]}|{fold(match[0])})", pattern))
