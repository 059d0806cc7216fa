"""Words → fields: reads the lines, chooses the set of values that agrees best, and decides accept or review."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TypeVar

from flows.parse.decide import Findings, decide
from flows.parse.hints import Hints
from flows.parse.items import find_items, item_sum
from flows.parse.lines import Line, Money, read_lines
from flows.parse.locale_evidence import LocaleGuess, guess_locale
from flows.parse.merchant import NameCandidate, find_merchants
from flows.parse.purchase_date import DateChoice, choose_date, choose_time
from flows.parse.taxes import as_found, find_taxes, table_gross
from flows.parse.totals import Candidate, collect, rank_totals, sums_of
from flows.vocabulary import DocumentText, Found, ReceiptFields

PARSER_VERSION = "1"
T = TypeVar("T")


def parse_receipt(text: DocumentText, *, today: dt.date, hints: Hints | None = None) -> ReceiptFields:
    """Read one receipt's fields from its words.

    Args:
        today: No purchase is later than this day.
        hints: What the owner's books suggest; printed evidence outweighs it.

    Returns:
        The fields found, the checks over them and the decision with its reasons. Any words give a result; the same
        words always give the same one.
    """
    lines, _ = read_lines(text.pages)
    place = guess_locale(lines, hints or Hints())
    date = choose_date(lines, today=today, country=place.country)
    items = find_items(lines)
    money = collect(lines)
    taxes = find_taxes(lines)
    totals = rank_totals(money, sums_of(money, items=item_sum(items), table=table_gross(taxes)))
    names = find_merchants(lines)
    fields = _fields(lines, money, place, date, totals, names)
    fields = fields.model_copy(update={"line_items": items, "taxes": as_found(taxes)})
    return decide(fields, Findings(lines, place, date, totals, names))


def _fields(
    lines: tuple[Line, ...],
    money: list[Money],
    place: LocaleGuess,
    date: DateChoice | None,
    totals: list[Candidate],
    names: list[NameCandidate],
) -> ReceiptFields:
    time = choose_time(lines, date)
    subtotal = _labelled(money, lines, "subtotal")
    tax = _labelled(money, lines, "tax")
    return ReceiptFields(
        parser_version=PARSER_VERSION,
        merchant=_name(names),
        purchase_date=_at(date.day, date.confidence, date.line, date.mention.start, date.mention.end) if date else None,
        purchase_time=_at(time[1].value, 0.9, time[0], time[1].start, time[1].end) if time else None,
        total=_total(totals, lines),
        subtotal=subtotal,
        tax=tax,
        rounding=_labelled(money, lines, "rounding"),
        currency=Found(value=place.currency, confidence=place.currency_confidence, evidence=place.evidence)
        if place.currency
        else None,
        country=Found(value=place.country, confidence=place.country_confidence) if place.country else None,
    )


def _at(value: T, confidence: float, line: Line, start: int, end: int) -> Found[T]:
    return Found(
        value=value, confidence=confidence, page=line.row.page, bbox=line.row.box_of(start, end), evidence=line.raw
    )


def _name(names: list[NameCandidate]) -> Found[str] | None:
    if not names:
        return None
    best = names[0]
    line = best.lines[0]
    return Found(
        value=best.name,
        confidence=0.9 if best.score > 2 else 0.6,
        page=line.row.page,
        bbox=line.row.bbox,
        evidence=line.raw,
    )


def _total(totals: list[Candidate], lines: tuple[Line, ...]) -> Found[Decimal] | None:
    if not totals or totals[0].score < 1:
        return None
    best, rival = totals[0], totals[1].score if len(totals) > 1 else 0.0
    confidence = min(0.99, 0.6 + 0.12 * (best.score - rival) + 0.1 * len(set(best.checks)))
    money = best.best
    return _at(best.value, round(confidence, 3), lines[money.line], money.amount.start, money.amount.end)


def _labelled(money: list[Money], lines: tuple[Line, ...], kind: str) -> Found[Decimal] | None:
    found = sums_of(money).by_kind.get(kind, [])
    if not found:
        return None
    best = max(found, key=lambda each: (each.label.strength, -each.line))
    return _at(best.amount.value, 0.8, lines[best.line], best.amount.start, best.amount.end)
