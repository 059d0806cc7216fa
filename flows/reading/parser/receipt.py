"""Words → fields: reads the lines, chooses the set of values that agrees best, and decides accept or review."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from flows.domain.fields import Candidates, Check, DocumentText, Found, LineItem, ReceiptFields
from flows.reading.parser import details
from flows.reading.parser.candidates import (
    currency_candidates,
    date_candidates,
    found_at,
    merchant_candidates,
    name_found,
    total_candidates,
)
from flows.reading.parser.checks import checks_of
from flows.reading.parser.confidence import date_confidence, total_confidence
from flows.reading.parser.currency import CurrencyChoice, choose_currency
from flows.reading.parser.currency_marks import SHARED
from flows.reading.parser.decide import SURE_NAME_CONFIDENCE, Findings, name_check, reasons_for
from flows.reading.parser.hints import Hints
from flows.reading.parser.invoice import invoice_fields
from flows.reading.parser.items import find_items, goods_lines, item_sum
from flows.reading.parser.likely_currencies import likely_currencies
from flows.reading.parser.likely_names import likely_names
from flows.reading.parser.lines import Line, Money, read_lines
from flows.reading.parser.locale_evidence import CountryGuess, guess_country, on_day
from flows.reading.parser.logo_brands import with_logo_brand
from flows.reading.parser.merchant import NameCandidate, find_merchants, merchant_confidence
from flows.reading.parser.metered import metered_sums
from flows.reading.parser.misread_cyrillic import with_cyrillic
from flows.reading.parser.purchase_date import DateChoice, choose_date, choose_time
from flows.reading.parser.scene import count_receipts, how_pages_differ, why_no_receipt
from flows.reading.parser.script import main_script
from flows.reading.parser.taxes import TaxRow, as_found, find_taxes, table_gross
from flows.reading.parser.totals import CHECKED_KINDS, Candidate, Sums, collect, rank_totals, sums_of

PARSER_VERSION = "10"
_MISREAD_NAME = 0.5  # most of a name in letters that were taken for others
_MIN_TOTAL_SCORE = 1.0  # below it an amount is only the likeliest of unlikely ones
T = TypeVar("T")


@dataclass(frozen=True)
class _Reading:
    """Everything found on one receipt, before it becomes fields."""

    lines: tuple[Line, ...]
    misread_lines: int
    script: str | None
    money: list[Money]
    sums: Sums
    items: tuple[Found[LineItem], ...]
    taxes: list[TaxRow]
    place: CountryGuess
    currency: CurrencyChoice
    date: DateChoice | None
    totals: list[Candidate]
    names: list[NameCandidate]

    @property
    def total(self) -> Candidate | None:
        return _likely(self.totals)


def parse_receipt(text: DocumentText, *, today: dt.date, hints: Hints | None = None) -> ReceiptFields:
    """Read one receipt's fields from its words.

    Args:
        today: No purchase is later than this day.
        hints: What the owner's books suggest; printed evidence outweighs it.

    Returns:
        The fields found, the checks over them and the decision with its reasons. Any words give a result; the same
        words always give the same one.
    """
    reading = _read(text, today, hints or Hints())
    fields = _fields(reading, today)
    reasons = reasons_for(
        fields,
        Findings(
            totals=reading.totals,
            date=reading.date,
            currency=reading.currency,
            unread_lines=max(sum(page.unread_lines for page in text.pages), reading.misread_lines),
            no_receipt=why_no_receipt(reading.lines, reading.money),
            receipts=count_receipts(reading.lines),
            pages_differ=how_pages_differ(reading.lines),
        ),
    )
    read = fields.model_copy(update={"reasons": reasons, "decision": "review" if reasons else "accept"})
    if text.invoice is None:
        return read
    printed = frozenset(abs(money.amount.value) for money in reading.money) if reading.lines else None
    return invoice_fields(text.invoice, read, printed, today)


def _read(text: DocumentText, today: dt.date, hints: Hints) -> _Reading:
    pages, misread_lines = with_cyrillic(text.pages)
    lines, _ = read_lines(pages)
    script = "CYRILLIC" if misread_lines else main_script(line.raw for line in lines)
    found_names = find_merchants(lines)
    place = guess_country(lines, hints, skip=[*goods_lines(lines), *_name_lines(found_names)])
    found_names = with_logo_brand(found_names, lines, place.country)
    likely_date = choose_date(lines, today=today, country=place.country, script=script)
    place = on_day(place, likely_date.day if likely_date else None)
    items, taxes, money = find_items(lines), find_taxes(lines), collect(lines)
    sums = sums_of(money, items=item_sum(items), table=table_gross(taxes), metered=metered_sums(lines))
    totals = rank_totals(money, sums, home=place.currency if place.identified else None)
    total = _likely(totals)
    currency = choose_currency(lines, money, total, place, hints)
    return _Reading(
        lines=lines,
        misread_lines=misread_lines,
        script=script,
        money=money,
        sums=sums,
        items=items,
        taxes=taxes,
        place=place,
        currency=currency,
        date=choose_date(lines, today=today, country=place.country, currency=currency.currency, script=script),
        totals=totals,
        names=found_names,
    )


def _name_lines(found: Sequence[NameCandidate]) -> list[int]:
    return [line.index for line in found[0].lines] if found else []


def _likely(totals: Sequence[Candidate]) -> Candidate | None:
    return totals[0] if totals and totals[0].score >= _MIN_TOTAL_SCORE else None


def _fields(reading: _Reading, today: dt.date) -> ReceiptFields:
    lines, place, date = reading.lines, reading.place, reading.date
    time = choose_time(lines, date)
    checks = checks_of(reading.total, reading.sums, reading.taxes, date)
    merchant = reading.names[0] if reading.names else None
    named, day, total = _merchant(reading.names, reading.misread_lines), _date(date), _total(reading, checks)
    currency = _currency(reading.currency, reading.money, lines)
    language = details.find_language(lines)
    likely_money = likely_currencies(language.value if language else None, reading.script, reading.money)
    doubtful = named is None or named.confidence < SURE_NAME_CONFIDENCE
    likely = likely_names(lines, place.country, currency.value if currency else None, doubtful=doubtful)
    return ReceiptFields(
        parser_version=PARSER_VERSION,
        merchant=named,
        merchant_address=details.find_address(lines, [line.index for line in merchant.lines] if merchant else []),
        merchant_phone=details.find_phone(lines),
        merchant_tax_id=details.find_tax_id(lines),
        purchase_date=day,
        purchase_time=found_at(time[1].value, 0.95, time[0], time[1].start, time[1].end) if time else None,
        total=total,
        subtotal=_labelled(reading, "subtotal"),
        tax=_tax(reading),
        tip=_labelled(reading, "tip"),
        rounding=_labelled(reading, "rounding"),
        currency=currency,
        country=_unplaced(place.country, place.confidence, place.evidence if place.country else ""),
        language=language,
        receipt_number=details.find_receipt_number(lines),
        payments=details.find_payments(reading.money, lines),
        taxes=as_found(reading.taxes),
        line_items=reading.items,
        checks=checks + name_check(named),
        candidates=Candidates(
            total=total_candidates(total, reading.totals, lines),
            purchase_date=date_candidates(day, date, lines, place.country, today),
            currency=currency_candidates(currency, lines, reading.money, place, likely_money),
            merchant=merchant_candidates(named, reading.names, likely),
        ),
        amounts={
            kind: tuple(reading.sums.values(kind)) for kind in sorted(reading.sums.by_kind) if kind in CHECKED_KINDS
        },
    )


def _currency(choice: CurrencyChoice, money: Sequence[Money], lines: Sequence[Line]) -> Found[str] | None:
    """Return the currency with the amount that its mark stands at, where it is printed beside one."""
    if choice.currency is None:
        return None
    marked = next((each for each in money if choice.currency in {each.mark, *SHARED.get(each.mark or "", ())}), None)
    if marked is None:
        return _unplaced(choice.currency, choice.confidence, choice.evidence)
    found = found_at(choice.currency, choice.confidence, lines[marked.line], marked.amount.start, marked.amount.end)
    return found.model_copy(update={"evidence": choice.evidence})


def _unplaced(value: str | None, confidence: float, evidence: str = "") -> Found[str] | None:
    return Found(value=value, confidence=round(confidence, 3), evidence=evidence) if value else None


def _merchant(found: Sequence[NameCandidate], misread_lines: int) -> Found[str] | None:
    if not found:
        return None
    sure = merchant_confidence(found)
    return name_found(found[0], min(sure, _MISREAD_NAME) if misread_lines else sure)


def _date(date: DateChoice | None) -> Found[dt.date] | None:
    if date is None:
        return None
    ocr = date.line.row.confidence_of(date.mention.start, date.mention.end)
    return found_at(date.day, date_confidence(date, ocr), date.line, date.mention.start, date.mention.end)


def _total(reading: _Reading, checks: Sequence[Check]) -> Found[Decimal] | None:
    best = reading.total
    if best is None:
        return None
    money = best.best
    line = reading.lines[money.line]
    confidence = total_confidence(reading.totals, checks, line.row.confidence_of(money.amount.start, money.amount.end))
    found = found_at(_signed(best), confidence, line, money.amount.start, money.amount.end)
    if not best.mended:
        return found
    return found.model_copy(update={"evidence": f"worked out, {money.amount.value} is printed: {line.raw}"})


def _signed(best: Candidate) -> Decimal:
    """Return a refund's total as negative only when more than one place prints the sign: one dash is often a slip."""
    negative = [money for money in best.places if money.amount.value < 0]
    return -best.value if len(negative) > 1 and len(negative) == len(best.places) else best.value


def _labelled(reading: _Reading, kind: str) -> Found[Decimal] | None:
    found = reading.sums.by_kind.get(kind, [])
    if reading.total is not None and kind == "tax":
        found = [each for each in found if abs(each.amount.value) < reading.total.value]  # the rest are tax numbers
    if not found:
        return None
    best = max(found, key=lambda each: (each.label.strength, -each.line))
    line = reading.lines[best.line]
    confidence = 0.9 * line.row.confidence_of(best.amount.start, best.amount.end)
    return found_at(best.amount.value, confidence, line, best.amount.start, best.amount.end)


def _tax(reading: _Reading) -> Found[Decimal] | None:
    """Return the sum of taxes: from the table's rows where it has some, or else from the labelled amount."""
    rows = [row for row in reading.taxes if not row.summed]
    if not rows:
        return _labelled_taxes(reading)
    amount = sum((row.amount for row in rows), Decimal(0))
    line = rows[-1].line
    return Found(
        value=amount,
        confidence=round(0.95 * line.row.confidence, 3),
        page=line.row.page,
        bbox=line.row.bbox,
        evidence=" / ".join(row.line.raw for row in rows),
    )


def _labelled_taxes(reading: _Reading) -> Found[Decimal] | None:
    """Return the labelled tax, or the sum of several (CGST and SGST) where only the sum leads to the total."""
    taxes = reading.sums.positive("tax")
    found = _labelled(reading, "tax")
    if found is None or reading.total is None or len(taxes) < 2:
        return found
    for subtotal in reading.sums.positive("subtotal"):
        if subtotal + sum(taxes, Decimal(0)) == reading.total.value and found.value + subtotal != reading.total.value:
            return found.model_copy(update={"value": sum(taxes, Decimal(0))})
    return found
