"""What is true of a sample receipt, in the project's vocabulary; amounts as strings, dates and times in ISO form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from deployments.samples.model import SampleReceipt
from deployments.samples.sums import Sums, add_up

Truth = dict[str, Any]


def truth(receipt: SampleReceipt) -> Truth:
    """The fields of one receipt, as one value of `truth.json`. Amounts that are not printed are left out."""
    sums = add_up(receipt)
    fields: Truth = {
        "merchant": receipt.merchant,
        "purchase_date": receipt.when.date().isoformat(),
        "total": _money(sums.total),
        "currency": receipt.locale.currency,
        "country": receipt.locale.country,
        "language": receipt.locale.language,
        "merchant_address": ", ".join(receipt.address),
        "purchase_time": receipt.when.strftime("%H:%M"),
        "receipt_number": receipt.number,
        **_amounts(receipt, sums),
    }
    fields["payments"] = [_payment(receipt, sums)]
    fields["line_items"] = _line_items(receipt, sums)
    fields["effects"] = list(receipt.wear.effects)
    return fields


def _amounts(receipt: SampleReceipt, sums: Sums) -> Truth:
    shown: Truth = {}
    added = not receipt.locale.tax_included
    if receipt.layout.subtotal or added:
        shown["subtotal"] = _money(sums.subtotal)
    if added or "taxes" in receipt.layout.blocks:
        shown["tax"] = _money(sums.tax)
        shown["taxes"] = [
            {"rate": _money(row.rate.percent), "net": _money(row.net), "amount": _money(row.amount)}
            for row in sums.taxes
        ]
    if sums.tip:
        shown["tip"] = _money(sums.tip)
    if sums.rounding:
        shown["rounding"] = _money(sums.rounding)
    return shown


def _payment(receipt: SampleReceipt, sums: Sums) -> Truth:
    if receipt.tendered is None:
        return {"method": "card", "amount": _money(sums.total)}
    return {"method": "cash", "amount": _money(receipt.tendered)}


def _line_items(receipt: SampleReceipt, sums: Sums) -> list[Truth]:
    return [
        {
            "description": item.description,
            "quantity": _money(item.quantity),
            "unit_price": _money(item.price),
            "total": _money(line),
        }
        for item, line in zip(receipt.items, sums.lines, strict=True)
    ]


def _money(value: Decimal) -> str:
    return f"{value:f}"
