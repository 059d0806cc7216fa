"""Accept or review, by one rule.

A receipt is accepted when it is one receipt, its total, purchase date and currency were each found with a confidence of
at least `ACCEPT_CONFIDENCE`, and its merchant with `NAME_CONFIDENCE`. Everything else is a reason for review that names
the field and why. A name between `NAME_CONFIDENCE` and `SURE_NAME_CONFIDENCE` is accepted and marked by a check that
did not hold, "check the name", so that it is never booked silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.domain.fields import Check, Found, ReceiptFields
from flows.reading.parser.currency import CurrencyChoice
from flows.reading.parser.purchase_date import DateChoice
from flows.reading.parser.totals import Candidate

ACCEPT_CONFIDENCE = 0.93  # docs/accuracy.md: of what is above it, at most one in a hundred was wrong

# On the shared receipts (docs/accuracy.md) nearly all names below the first were wrong, two of eleven between the two.
_PACKAGES = (
    "tesseract-ocr-rus (Cyrillic), -ell (Greek), -ara (Arabic), -heb (Hebrew), -kor (Korean), -tha (Thai) or "
    "-hin (Devanagari)"
)
NAME_CONFIDENCE, SURE_NAME_CONFIDENCE = 0.6, 0.8


@dataclass(frozen=True)
class Findings:
    """What the fields were chosen from, for the reasons' words."""

    totals: Sequence[Candidate]
    date: DateChoice | None
    currency: CurrencyChoice
    no_receipt: str | None
    receipts: int
    pages_differ: str | None
    unread_lines: int = 0


def reasons_for(fields: ReceiptFields, findings: Findings) -> tuple[str, ...]:
    """Return why a person has to look at the receipt; empty when it is accepted."""
    if findings.unread_lines:
        return (_unread(findings.unread_lines),)
    if findings.no_receipt is not None:
        return (f"no receipt: {findings.no_receipt}",)
    reasons = []
    if findings.receipts > 1:
        reasons.append(f"several receipts: {findings.receipts} seem to be on one picture; send each by itself")
    elif findings.pages_differ is not None:
        reasons.append(f"several receipts: {findings.pages_differ}")
    fielded = (_total(fields, findings), _date(fields, findings), _currency(fields, findings), _merchant(fields))
    return tuple(reasons + [reason for found in fielded for reason in found])


def _unread(lines: int) -> str:
    return (
        f"text: {lines} lines are in writing that was not read. If it is not blurred, install Tesseract's data for its "
        f"script where the worker runs, {_PACKAGES}, and read it again"
    )


def name_check(merchant: Found[str] | None) -> tuple[Check, ...]:
    """Return the mark "check the name" for a merchant that is likely, but not sure."""
    if merchant is None or not NAME_CONFIDENCE <= merchant.confidence < SURE_NAME_CONFIDENCE:
        return ()
    return (Check(name="merchant_name", held=False, detail=f"check the name: {merchant.value} is only likely"),)


def _merchant(fields: ReceiptFields) -> list[str]:
    merchant = fields.merchant
    if merchant is None:
        return ["merchant: none was found"]
    if merchant.confidence < NAME_CONFIDENCE:
        return [f"merchant: nothing else on the receipt supports {merchant.value}"]
    return []


def _total(fields: ReceiptFields, findings: Findings) -> list[str]:
    total = fields.total
    if total is None:
        return ["total: none was found"]
    if total.value <= 0:
        return [f"total: {total.value} is not a purchase; a refund needs a person"]
    if total.confidence >= ACCEPT_CONFIDENCE:
        return []
    best = findings.totals[0]
    if best.mended:
        return [f"total: {best.best.amount.value} is printed, but what adds up to it gives {best.value}"]
    rivals = [
        other for other in findings.totals[1:4] if best.score - other.score < 2 and (other.strength or other.checks)
    ]
    if rivals:
        return [f"total: two totals fit: {best.value} and {rivals[0].value}"]
    return [f"total: nothing else on the receipt confirms {best.value}"]


def _date(fields: ReceiptFields, findings: Findings) -> list[str]:
    date, choice = fields.purchase_date, findings.date
    if date is None or choice is None:
        return ["purchase_date: none was found"]
    if date.confidence >= ACCEPT_CONFIDENCE:
        return []
    if choice.rival is not None and choice.mention.ambiguous and choice.rival in choice.mention.readings:
        return [f"purchase_date: day and month may be swapped: {choice.day} or {choice.rival}"]
    if choice.rival is not None:
        return [f"purchase_date: two dates fit: {choice.day} and {choice.rival}"]
    return [f"purchase_date: {_why_unsure(choice)}"]


def _why_unsure(choice: DateChoice) -> str:
    if not choice.in_epoch:
        return f"on {choice.day} the tax that the receipt names was not charged; a digit may be misread"
    if choice.mention.uneven and choice.times_printed == 1:
        return f"{choice.day} stands at the edge of its line; its first figure may be cut off"
    if not choice.labelled and not choice.time_beside:
        return f"nothing beside {choice.day} says that it is the day of purchase"
    return f"{choice.day} was hard to read and is printed only once"


def _currency(fields: ReceiptFields, findings: Findings) -> list[str]:
    currency, choice = fields.currency, findings.currency
    if currency is None:
        return [f"currency: {choice.evidence}"]
    if currency.confidence >= ACCEPT_CONFIDENCE:
        return []
    if choice.conflict:
        return [f"currency: both {currency.value} and {choice.conflict} are printed"]
    return [f"currency: {currency.value} is only likely ({choice.evidence})"]
