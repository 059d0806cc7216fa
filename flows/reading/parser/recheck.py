"""The checks made again over values that a person is changing: pure, and fast enough for every key that is pressed.

They are the parser's own, over the amounts that it labelled. A check that does not hold warns; it decides nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flows.domain.fields import Check, LineItem, ReceiptFields, Tax
from flows.reading.parser.checks import failed_checks, rate_check
from flows.reading.parser.proofs import Amounts, proofs_of

_ITEM_FIELD = re.compile(r"line_items/(\d{1,4})/(quantity|unit_price|discount|total)")
_TAX_FIELD = re.compile(r"taxes/(\d{1,4})/(rate|net|amount)")
_AMOUNTS = ("subtotal", "tax", "tip", "rounding")
_METHODS = {"cash": "cash", "card": "card", "voucher": "voucher", "mobile": "card"}
# What is known of a check of the parser that is not made again here: the field whose value it is about.
_ABOUT = {
    **dict.fromkeys(("total_repeated", "amounts_above", "paid_difference", "tax_row", "metered", "deduction"), "total"),
    "date_repeated": "purchase_date",
    "merchant_name": "merchant",
}
_MADE_AGAIN = frozenset(
    {
        *("items", "subtotal_tax", "cash_change", "cash_change_rounded", "tendered", "split_payment", "tax_table"),
        *("tax_rate", "rounding", "tip", "parts", "item_price"),
    }
)
_CENT, _ZERO = Decimal("0.01"), Decimal(0)


def check_values(fields: ReceiptFields, changes: Mapping[str, Any]) -> tuple[Check, ...]:
    """Make the checks of a receipt again with some of its values changed.

    Args:
        fields: As the machine read them.
        changes: New values by the fields' names, `line_items/0/total` and `taxes/0/rate` for those of a row, in the
            fields' own types; None for a value that is taken away. Names that no check is about are ignored.

    Returns:
        Every check that could be made, in the parser's words; `held` is None where a part is missing.
    """
    total = _value(fields, changes, "total")
    items = _items(fields, changes)
    checks = _of_total(total, _amounts(fields, changes, items), fields, changes) if total is not None else []
    checks += [
        rate_check(tax.rate, tax.net, tax.amount)
        for tax in _taxes(fields, changes)
        if tax.rate and tax.net is not None and tax.amount
    ]
    checks += [_price(number, items[number]) for number in sorted(_changed_items(changes)) if _has_price(items[number])]
    kept = [check for check in fields.checks if check.name not in _MADE_AGAIN and _ABOUT.get(check.name) not in changes]
    return tuple(checks + kept)


def _value(fields: ReceiptFields, changes: Mapping[str, Any], name: str) -> Any:
    found = getattr(fields, name)
    return changes.get(name, found.value if found is not None else None)


def _amounts(fields: ReceiptFields, changes: Mapping[str, Any], items: Mapping[int, LineItem]) -> Amounts:
    named = {kind: list(values) for kind, values in fields.amounts.items()} or _amounts_of_old(fields)
    for name in _AMOUNTS:
        if name in changes:
            named[name] = [changes[name]] if changes[name] is not None else []
    rows = _taxes(fields, changes)
    table = sum(((row.net or _ZERO) + (row.amount or _ZERO) for row in rows), _ZERO) if rows else None
    bought = sum((item.total or _ZERO for item in items.values()), _ZERO) if items else None
    return Amounts(named, bought, table)


def _amounts_of_old(fields: ReceiptFields) -> dict[str, list[Decimal]]:
    """Return what can be told of the labels from a result without `amounts`."""
    found = {name: getattr(fields, name) for name in _AMOUNTS}
    named = {name: [each.value] for name, each in found.items() if each is not None}
    for payment in (each.value for each in fields.payments):
        if payment.amount is not None and payment.method in _METHODS:
            named.setdefault(_METHODS[payment.method], []).append(payment.amount)
    return named


def _items(fields: ReceiptFields, changes: Mapping[str, Any]) -> dict[int, LineItem]:
    items = {number: found.value for number, found in enumerate(fields.line_items)}
    for name, value in changes.items():
        match = _ITEM_FIELD.fullmatch(name)
        if match is not None:
            number = int(match[1])
            items[number] = items.get(number, LineItem(description="")).model_copy(update={match[2]: value})
    return items


def _taxes(fields: ReceiptFields, changes: Mapping[str, Any]) -> list[Tax]:
    rows = [found.value for found in fields.taxes]
    for name, value in changes.items():
        match = _TAX_FIELD.fullmatch(name)
        if match is not None and int(match[1]) < len(rows):
            rows[int(match[1])] = rows[int(match[1])].model_copy(update={match[2]: value})
    return rows


def _changed_items(changes: Mapping[str, Any]) -> set[int]:
    return {int(match[1]) for name in changes if (match := _ITEM_FIELD.fullmatch(name)) is not None}


def _has_price(item: LineItem) -> bool:
    return item.quantity is not None and item.unit_price is not None and item.total is not None


def _price(number: int, item: LineItem) -> Check:
    quantity, price, total = item.quantity or _ZERO, item.unit_price or _ZERO, item.total or _ZERO
    discount = f" − {item.discount}" if item.discount else ""
    held = abs(quantity * price - (item.discount or _ZERO) - total) <= _CENT
    detail = f"line {number + 1}: {quantity} × {price}{discount} is {'' if held else 'not '}{total}"
    return Check(name="item_price", held=held, detail=detail)


def _of_total(total: Decimal, amounts: Amounts, fields: ReceiptFields, changes: Mapping[str, Any]) -> list[Check]:
    value = abs(total)
    proofs = proofs_of(value, amounts)
    base = _rounded_from(value, amounts)
    if base is not None:
        proofs = _before(base, amounts, ("items", "tax_table", "subtotal_tax")) | proofs
        proofs["rounding"] = f"{base} rounded by {value - base} = {value}"
    if "tip" in proofs:
        for tip in amounts.positive("tip"):
            proofs = _before(value - tip, amounts, ("items", "tax_table", "subtotal_tax")) | proofs
    explained = bool({"rounding", "cash_change"} & set(proofs)) or "rounding" in proofs.get("subtotal_tax", "")
    failed_before = any(check.name == "rounding" and check.held is False for check in fields.checks)
    explained = explained or ("total" not in changes and "rounding" not in changes and not failed_before)
    held = [Check(name=name, held=True, detail=detail) for name, detail in proofs.items()]
    return held + failed_checks(value, proofs, amounts, rounding_explained=explained)


def _before(value: Decimal, amounts: Amounts, names: Sequence[str]) -> dict[str, str]:
    return {name: detail for name, detail in proofs_of(value, amounts).items() if name in names}


def _rounded_from(value: Decimal, amounts: Amounts) -> Decimal | None:
    """Return the total or subtotal printed before this value that the printed rounding leads from."""
    totals = amounts.values("total")
    before = totals[: totals.index(value)] if value in totals else totals
    steps = set(amounts.positive("rounding"))
    return next((base for base in [*before, *amounts.values("subtotal")] if abs(value - base) in steps), None)
