"""What else a deciding field may be: the values that a person is offered, best first, each with its place.

The chosen value keeps its confidence; the others share what that leaves, by what speaks for each.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from flows.domain.fields import Found
from flows.reading.parser.currency_marks import SHARED
from flows.reading.parser.damaged_dates import damaged_days
from flows.reading.parser.dates import DateMention
from flows.reading.parser.folding import squeeze
from flows.reading.parser.lines import Line, Money
from flows.reading.parser.locale_evidence import CountryGuess, currency_of
from flows.reading.parser.merchant import NameCandidate
from flows.reading.parser.purchase_date import DateChoice, is_possible_day
from flows.reading.parser.rows import enclosing
from flows.reading.parser.totals import Candidate

MOST = 5  # of a field: as many as a person takes in at a glance, and one key each
_LEFT_WITHOUT_CHOICE = 0.5  # for all of them together, where none was good enough to be chosen
_DAMAGED = -1.0  # more likely than a day that is another date by its word
_NOT_WEIGHED = -2.0  # a day under a word for another date, against about 2 for any other
T = TypeVar("T")


def total_candidates(
    chosen: Found[Decimal] | None, ranked: Sequence[Candidate], lines: Sequence[Line]
) -> tuple[Found[Decimal], ...]:
    """Return the chosen total and the amounts that come next in the ranking; none that is printed nowhere."""
    return _with_rest(chosen, ((each.score, _amount(each, lines)) for each in ranked if not each.mended))


def date_candidates(
    chosen: Found[dt.date] | None, date: DateChoice | None, lines: Sequence[Line], country: str | None, today: dt.date
) -> tuple[Found[dt.date], ...]:
    """Return the chosen day, those weighed against it, the other days that are printed, and what damaged ones mean."""
    weighed = [(each.score, _day(each.day, each.line, each.mention)) for each in date.others] if date else []
    printed = [
        (_NOT_WEIGHED, _day(day, line, mention))
        for line in lines
        for mention in line.dates
        for day in mention.readings
        if is_possible_day(day, today)
    ]
    order = next(iter(date.mention.orders), None) if date else None
    damaged = [
        (_DAMAGED - 0.01 * place, found_at(day, 0.0, line, start, end))
        for place, (day, line, start, end) in enumerate(damaged_days(lines, date, order, country, today))
    ]
    return _with_rest(chosen, [*weighed, *printed, *damaged])


def currency_candidates(
    chosen: Found[str] | None,
    lines: Sequence[Line],
    money: Sequence[Money],
    place: CountryGuess,
    likely: Sequence[Found[str]],
) -> tuple[Found[str], ...]:
    """Return the chosen currency, those whose mark stands at an amount, and the country's, or else likely ones."""
    found = [*_currencies(lines, money, place)]
    if chosen is None and not found:
        told = {
            currency_of(country): points for country, points in sorted(place.scores.items(), key=lambda one: one[1])
        }
        found = [(told.get(each.value, 0.0) - 0.1 * rank, each) for rank, each in enumerate(likely)]
    return _with_rest(chosen, found)


def merchant_candidates(
    chosen: Found[str] | None, ranked: Sequence[NameCandidate], likely: Sequence[Found[str]]
) -> tuple[Found[str], ...]:
    """Return the chosen name, what it is likely to be a misreading of, and the next ones, each spelling once."""
    first = max((each.score for each in ranked), default=0.0)
    others = [(first + 1.0 - 0.01 * place, found) for place, found in enumerate(likely)]
    return _with_rest(chosen, [*others, *((each.score, name_found(each, 0.0)) for each in ranked)], same=squeeze)


def name_found(name: NameCandidate, confidence: float) -> Found[str]:
    """Return a merchant's name with the lines that it stands on."""
    page = name.lines[0].row.page
    box = enclosing(tuple(line.row.bbox for line in name.lines if line.row.page == page))
    evidence = " / ".join(line.raw for line in name.lines)
    return Found(value=name.name, confidence=confidence, page=page, bbox=box, evidence=evidence)


def found_at(value: T, confidence: float, line: Line, start: int, end: int) -> Found[T]:
    """Return a value with the characters of the line that it was read from."""
    return Found(
        value=value,
        confidence=round(confidence, 3),
        page=line.row.page,
        bbox=line.row.box_of(start, end),
        evidence=line.raw,
    )


def _amount(candidate: Candidate, lines: Sequence[Line]) -> Found[Decimal]:
    amount, line = candidate.best.amount, lines[candidate.best.line]
    return found_at(candidate.value, 0.0, line, amount.start, amount.end)


def _day(day: dt.date, line: Line, mention: DateMention) -> Found[dt.date]:
    return found_at(day, 0.0, line, mention.start, mention.end)


def _currencies(
    lines: Sequence[Line], money: Sequence[Money], place: CountryGuess
) -> Iterator[tuple[float, Found[str]]]:
    for each in money:
        if each.mark is None:
            continue
        meant = SHARED.get(each.mark, (each.mark,))
        for rank, code in enumerate(meant):
            score = 2.0 * (code == place.currency) - 0.1 * rank + (1.0 if each.label.kind else 0.0)
            yield score, found_at(code, 0.0, lines[each.line], each.amount.start, each.amount.end)
    if place.currency is not None:
        yield 0.0, Found(value=place.currency, confidence=0.0, evidence=place.evidence)


def _with_rest(
    chosen: Found[T] | None, others: Iterable[tuple[float, Found[T]]], same: Callable[[Any], Any] = lambda value: value
) -> tuple[Found[T], ...]:
    """Return the chosen value before the best others, which share the confidence that it leaves."""
    best: dict[Any, tuple[float, Found[T]]] = {}
    taken = {same(chosen.value)} if chosen is not None else set()
    for score, found in others:
        key = same(found.value)
        if key not in taken and (key not in best or score > best[key][0]):
            best[key] = (score, found)
    rest = sorted(best.values(), key=lambda each: -each[0])[: MOST - len(taken)]
    left = 1 - chosen.confidence if chosen is not None else _LEFT_WITHOUT_CHOICE
    weights = [math.exp(min(score - rest[0][0], 0.0)) for score, _ in rest]
    shared = [
        found.model_copy(update={"confidence": round(left * weight / sum(weights), 3)})
        for weight, (_, found) in zip(weights, rest, strict=True)
    ]
    return tuple(([chosen] if chosen is not None else []) + shared)
