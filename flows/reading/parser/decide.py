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
from flows.domain.review_reasons import ReviewReason
from flows.reading.parser.currency import CurrencyChoice
from flows.reading.parser.purchase_date import DateChoice
from flows.reading.parser.totals import Candidate

ACCEPT_CONFIDENCE = 0.93  # docs/accuracy.md: of what is above it, at most one in a hundred was wrong

# On the shared receipts (docs/accuracy.md) nearly all names below the first were wrong, two of eleven between the two.
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
        return (ReviewReason.UNREAD_SCRIPT.says(lines=findings.unread_lines),)
    if findings.no_receipt is not None:
        return (ReviewReason.NO_RECEIPT.says(why=findings.no_receipt),)
    reasons = []
    if findings.receipts > 1:
        reasons.append(ReviewReason.SEVERAL_ON_PICTURE.says(receipts=findings.receipts))
    elif findings.pages_differ is not None:
        reasons.append(ReviewReason.PAGES_DIFFER.says(how=findings.pages_differ))
    fielded = (_total(fields, findings), _date(fields, findings), _currency(fields, findings), _merchant(fields))
    return tuple(reasons + [reason for found in fielded for reason in found])


def name_check(merchant: Found[str] | None) -> tuple[Check, ...]:
    """Return the mark "check the name" for a merchant that is likely, but not sure."""
    if merchant is None or not NAME_CONFIDENCE <= merchant.confidence < SURE_NAME_CONFIDENCE:
        return ()
    return (Check(name="merchant_name", held=False, detail=f"check the name: {merchant.value} is only likely"),)


def _merchant(fields: ReceiptFields) -> list[str]:
    merchant = fields.merchant
    if merchant is None:
        return [ReviewReason.MERCHANT_NONE.says()]
    if merchant.confidence < NAME_CONFIDENCE:
        return [ReviewReason.MERCHANT_UNCONFIRMED.says(merchant=merchant.value)]
    return []


def _total(fields: ReceiptFields, findings: Findings) -> list[str]:
    total = fields.total
    if total is None:
        return [ReviewReason.TOTAL_NONE.says()]
    if total.value <= 0:
        return [ReviewReason.TOTAL_NO_PURCHASE.says(total=total.value)]
    if total.confidence >= ACCEPT_CONFIDENCE:
        return []
    best = findings.totals[0]
    if best.mended:
        return [ReviewReason.TOTAL_MENDED.says(printed=best.best.amount.value, total=best.value)]
    rivals = [
        other for other in findings.totals[1:4] if best.score - other.score < 2 and (other.strength or other.checks)
    ]
    if rivals:
        return [ReviewReason.TOTAL_RIVAL.says(total=best.value, rival=rivals[0].value)]
    return [ReviewReason.TOTAL_UNCONFIRMED.says(total=best.value)]


def _date(fields: ReceiptFields, findings: Findings) -> list[str]:
    date, choice = fields.purchase_date, findings.date
    if date is None or choice is None:
        return [ReviewReason.DATE_NONE.says()]
    if date.confidence >= ACCEPT_CONFIDENCE:
        return []
    if choice.mention.mended:
        printed = choice.line.raw[choice.mention.start : choice.mention.end]
        return [ReviewReason.DATE_MENDED.says(printed=printed, day=choice.day)]
    if choice.rival is not None and choice.mention.ambiguous and choice.rival in choice.mention.readings:
        return [ReviewReason.DATE_SWAPPED.says(day=choice.day, rival=choice.rival)]
    if choice.rival is not None:
        return [ReviewReason.DATE_RIVAL.says(day=choice.day, rival=choice.rival)]
    return [_why_unsure(choice).says(day=choice.day)]


def _why_unsure(choice: DateChoice) -> ReviewReason:
    if not choice.in_epoch:
        return ReviewReason.DATE_OF_OTHER_TAX
    if choice.mention.uneven and choice.times_printed == 1:
        return ReviewReason.DATE_CUT_OFF
    if not choice.labelled and not choice.time_beside:
        return ReviewReason.DATE_ALONE
    return ReviewReason.DATE_HARD_TO_READ


def _currency(fields: ReceiptFields, findings: Findings) -> list[str]:
    currency, choice = fields.currency, findings.currency
    if currency is None:
        return [ReviewReason.CURRENCY_NONE.says(evidence=choice.evidence)]
    if currency.confidence >= ACCEPT_CONFIDENCE:
        return []
    if choice.conflict:
        return [ReviewReason.CURRENCY_RIVAL.says(currency=currency.value, rival=choice.conflict)]
    return [ReviewReason.CURRENCY_LIKELY.says(currency=currency.value, evidence=choice.evidence)]
