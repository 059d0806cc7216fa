"""Bought things: the lines between the head and the first total, with description, quantity, prices and discount."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

from flows.parse.lines import Line
from flows.vocabulary import Found, LineItem

_CODE = re.compile(r"^\s*[\d\-/*#.]{3,}\s+|^\s*\d{1,3}\s+(?=\D)")
_ENDS = {"total", "subtotal", "cash", "card", "change", "tax", "rounding"}


def find_items(lines: Sequence[Line]) -> tuple[Found[LineItem], ...]:
    """Return the items in printed order; a price line without words takes its words from the line above or below."""
    items: list[Found[LineItem]] = []
    for line in lines:
        if line.money and any(money.label.kind in _ENDS and money.label.strength >= 1 for money in line.money):
            if items:
                break
            continue
        if line.money and not line.dates:
            item = _item(line, lines)
            if item is not None:
                items.append(item)
    return tuple(items)


def _item(line: Line, lines: Sequence[Line]) -> Found[LineItem] | None:
    money = [
        each
        for each in line.money
        if not each.label.kind or each.label.kind in {"amount", "deposit", "discount", "count"}
    ]
    if not money:
        return None
    last = money[-1]
    description = _CODE.sub(
        "", line.text[: line.amounts[0].start] if line.amounts[0].start > 3 else line.text[: last.amount.start]
    ).strip(" .:-*")
    if len(re.sub(r"[^^\W\d_]", "", description)) < 2 and line.index > 0:
        description = lines[line.index - 1].text.strip()
    value = last.amount.value
    quantity, unit = _quantity(line, value)
    item = LineItem(description=description[:120], quantity=quantity, unit_price=unit, total=value)
    return Found(
        value=item,
        confidence=round(0.8 * line.row.confidence, 3),
        page=line.row.page,
        bbox=line.row.bbox,
        evidence=line.raw,
    )


def _quantity(line: Line, total: Decimal) -> tuple[Decimal | None, Decimal | None]:
    values = [amount.value for amount in line.amounts if not amount.percent]
    for quantity in values:
        for unit in values:
            if quantity > 0 and unit > 0 and quantity * unit == total and not (quantity == 1 and unit != total):
                return quantity, unit
    return None, None
