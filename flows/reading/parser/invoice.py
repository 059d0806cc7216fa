"""An electronic invoice's fields, its arithmetic checked by the standard's own rules and held against what is printed.

The rules are EN 16931's BR-CO-10, -13, -15, -16 and -17. What the XML says is not believed where they fail, or where
the page that carries it prints another total.
"""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import TypeVar

from babel.numbers import list_currencies

from flows.domain.fields import Candidates, Check, ElectronicInvoice, Found, ReceiptFields
from flows.domain.review_reasons import ReviewReason
from flows.reading.parser.checks import rate_check

_SURE, _DOUBTED = 0.99, 0.5
_TOLERANCE = Decimal("0.01")
_EVIDENCE = "the invoice's XML"
T = TypeVar("T")


def invoice_fields(
    invoice: ElectronicInvoice, printed: ReceiptFields, amounts: frozenset[Decimal] | None, today: dt.date
) -> ReceiptFields:
    """Return the fields of an electronic invoice.

    Args:
        printed: What the page that carries the XML says; of it come the places of equal values.
        amounts: Every amount that is printed on it; None where there is nothing but the XML.
        today: No purchase is later than this day.
    """
    checks = tuple(_checks(invoice))
    reasons = tuple(_reasons(invoice, checks, amounts, today))
    sure = _DOUBTED if reasons else _SURE
    total, day = _found(invoice.total, printed.total, sure), _found(invoice.issued, printed.purchase_date, sure)
    currency, merchant = (
        _found(invoice.currency, printed.currency, sure),
        _found(invoice.seller, printed.merchant, sure),
    )
    return ReceiptFields(
        parser_version=printed.parser_version,
        merchant=merchant,
        merchant_address=_optional(invoice.seller_address),
        merchant_phone=printed.merchant_phone,
        merchant_tax_id=_optional(invoice.seller_tax_id),
        purchase_date=day,
        total=total,
        subtotal=_optional(invoice.net),
        tax=_optional(invoice.tax),
        rounding=_optional(invoice.rounding or None),
        currency=currency,
        country=_optional(invoice.country),
        language=printed.language,
        receipt_number=_optional(invoice.number or None),
        payments=printed.payments,
        taxes=tuple(_new(tax) for tax in invoice.taxes),
        line_items=tuple(_new(item) for item in invoice.line_items),
        checks=checks,
        decision="review" if reasons else "accept",
        reasons=reasons,
        candidates=Candidates(
            total=_others(total, printed.candidates.get("total", ())),
            purchase_date=_others(day, printed.candidates.get("purchase_date", ())),
            currency=_others(currency, printed.candidates.get("currency", ())),
            merchant=_others(merchant, printed.candidates.get("merchant", ())),
        ),
        amounts={"total": (invoice.total,)}
        | ({"subtotal": (invoice.net,)} if invoice.net is not None else {})
        | ({"tax": (invoice.tax,)} if invoice.tax is not None else {}),
    )


def _checks(invoice: ElectronicInvoice) -> list[Check]:
    total, net, tax = abs(invoice.total), invoice.net, invoice.tax or Decimal(0)
    checks = []
    if net is not None:
        checks.append(_check("subtotal_tax", abs(net) + abs(tax), total, f"net {net} + tax {tax}", "the total"))
    if net is not None and invoice.lines_net is not None:
        summed = invoice.lines_net - invoice.allowances + invoice.charges
        how = f"lines {invoice.lines_net} − allowances {invoice.allowances} + charges {invoice.charges}"
        checks.append(_check("net", abs(summed), abs(net), how, "the net amount"))
    if invoice.lines_net is not None and invoice.line_items:
        summed = sum((item.total or Decimal(0) for item in invoice.line_items), Decimal(0))
        checks.append(_check("items", abs(summed), abs(invoice.lines_net), f"the lines {summed}", "the sum of lines"))
    if invoice.payable is not None:
        due = total - abs(invoice.prepaid) + invoice.rounding
        how = f"total {total} − prepaid {invoice.prepaid} + rounding {invoice.rounding}"
        checks.append(_check("payable", due, abs(invoice.payable), how, "the amount due"))
    if invoice.taxes and invoice.tax is not None:
        rows = sum((row.amount or Decimal(0) for row in invoice.taxes), Decimal(0))
        checks.append(_check("tax_table", abs(rows), abs(tax), f"the taxes {rows}", "the tax"))
    rated = [row for row in invoice.taxes if row.rate and row.net is not None and row.amount is not None]
    return checks + [
        rate_check(row.rate or Decimal(0), row.net or Decimal(0), row.amount or Decimal(0)) for row in rated
    ]


def _check(name: str, got: Decimal, wanted: Decimal, how: str, what: str) -> Check:
    held = abs(got - wanted) <= _TOLERANCE
    return Check(name=name, held=held, detail=f"{how} is {'' if held else 'not '}{what} {wanted}")


def _reasons(
    invoice: ElectronicInvoice, checks: tuple[Check, ...], amounts: frozenset[Decimal] | None, today: dt.date
) -> list[str]:
    reasons = [ReviewReason.INVOICE_ARITHMETIC.says(detail=check.detail) for check in checks if check.held is False]
    if not any(check.held for check in checks):
        reasons.append(ReviewReason.INVOICE_UNCONFIRMED.says(total=invoice.total))
    if invoice.total <= 0:
        reasons.append(ReviewReason.TOTAL_NO_PURCHASE.says(total=invoice.total))
    if amounts is not None and abs(invoice.total) not in amounts:
        reasons.append(ReviewReason.INVOICE_NOT_PRINTED.says(total=invoice.total))
    if invoice.issued > today:
        reasons.append(ReviewReason.INVOICE_LATER.says(day=invoice.issued))
    if invoice.currency not in list_currencies():
        reasons.append(ReviewReason.INVOICE_CURRENCY.says(currency=invoice.currency[:10]))
    return reasons


def _found(value: T, printed: Found[T] | None, sure: float) -> Found[T]:
    """Return a value with its place on the page, where that has the same one."""
    if printed is not None and printed.value == value:
        return printed.model_copy(update={"confidence": sure, "evidence": f"{_EVIDENCE}; {printed.evidence}"})
    return Found(value=value, confidence=sure, evidence=_EVIDENCE)


def _new(value: T) -> Found[T]:
    return Found(value=value, confidence=_SURE, evidence=_EVIDENCE)


def _optional(value: T | None) -> Found[T] | None:
    return None if value is None else _new(value)


def _others(chosen: Found[T], printed: tuple[Found[T], ...]) -> tuple[Found[T], ...]:
    return (chosen, *(found for found in printed if found.value != chosen.value))
