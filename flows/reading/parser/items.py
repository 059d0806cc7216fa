"""Bought things: the lines between the head and the first total, with description, quantity, prices and discount.

Receipts write an item on one line, or its words above or below its price line, or its quantity on a line of its own;
which of these a receipt does is learned from its own lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flows.domain.fields import Found, LineItem
from flows.reading.parser.concepts import concepts_of
from flows.reading.parser.lines import Line
from flows.reading.parser.rows import enclosing

MAX_ITEMS = 300
_LEADING_CODE = re.compile(r"^[\s#*.\-]*(?:[A-Z]{0,4}\d[\w\-/.]{3,}\b[\s\-]*)+")
_LEADING_COUNT = re.compile(r"^\s*(\d{1,3})\s*[xX×*]?\s+(?=\D)")
_TIMES = re.compile(
    r"(?<![\d.,])(\d{1,4}(?:[.,]\d{1,3})?)\s*(?:kg|g|l|st|stk|pcs?|pkts?|ea|un)?\s*[xX×*@]\s*(?:[A-Z]{2,3}|"
    r"[€$£])?\s*(\d{1,6}(?:[.,]\d{1,4})?)",
    re.IGNORECASE,
)
_QUANTITY_ONLY = re.compile(
    r"^[\s@\d.,xX×*€$£()/-]*(?:kg|g|l|st|stk|pcs?|pkts?|ea|un|rm|eur|usd|x|×)?[\s@\d.,xX×*€$£()/-]*(?:rm|eur|"
    r"/ ?kg|eur/kg|kg|unit)?[\s@\d.,xX×*€$£()/-]*$",
    re.IGNORECASE,
)
_TABLE_HEAD = {"COUNT", "AMOUNT", "TOTAL", "DISCOUNT", "TAX"}
_CENT = Decimal("0.01")
_NEAR = Decimal("0.8")  # a total before tax may be less than the largest price with tax


@dataclass(frozen=True)
class _Entry:
    """An item in the making: its lines, and its fields so far."""

    lines: tuple[Line, ...]
    item: LineItem


def find_items(lines: Sequence[Line]) -> tuple[Found[LineItem], ...]:
    """Return the items in printed order; empty when no priced lines stand before the totals."""
    region = _region(lines)
    priced = [line for line in region if line.money and not _quantity_only(line)]
    below = _words_stand_below(region)
    entries: list[_Entry] = []
    for line in priced[:MAX_ITEMS]:
        last = line.money[-1]
        if entries and _is_reduction(line):
            entries[-1] = _reduced(entries[-1], line)
        elif last.label.kind not in {"partial", "table", "tax", "points", "service"}:
            entries.append(_entry(line, lines, region, below=below))
    return tuple(_found(entry) for entry in entries)


def goods_lines(lines: Sequence[Line]) -> list[int]:
    """Return the indexes of the lines from the first price of a bought thing to the last before the totals."""
    priced = [line.index for line in _region(lines) if line.money]
    return list(range(priced[0], priced[-1] + 1)) if priced else []


def item_sum(items: Sequence[Found[LineItem]]) -> Decimal | None:
    """Return what the items add up to; None without items."""
    return sum((found.value.total or Decimal(0) for found in items), Decimal(0)) if items else None


def _region(lines: Sequence[Line]) -> list[Line]:
    """Return the lines from the first priced one to the first total, with the words just above."""
    first = next(
        (
            index
            for index, line in enumerate(lines)
            if line.money and not _ends(line, Decimal(0), Decimal(0)) and not line.dates
        ),
        None,
    )
    if first is None:
        return []
    region = list(lines[max(0, first - 3) : first])
    largest = summed = Decimal(0)
    for line in lines[first:]:
        if _ends(line, largest, summed):
            break
        region.append(line)
        if line.money:
            largest = max(largest, abs(line.money[-1].amount.value))
            summed += line.money[-1].amount.value
    return region


def _ends(line: Line, largest: Decimal, summed: Decimal) -> bool:
    for money in line.money:
        label, value = money.label, money.amount.value
        if label.kind in {"total", "subtotal"} and label.strength >= 1.2 and value >= largest * _NEAR:
            return True
        if (
            label.kind in {"cash", "card", "change", "rounding"}
            and len(money.label_text.split()) <= 4
            and value >= summed * _NEAR
        ):
            return True
    return bool(line.money) and {"COUNT", "TOTAL"} <= concepts_of(line.text) and len(line.money) == 1


def _is_reduction(line: Line) -> bool:
    last = line.money[-1]
    if last.label.kind == "discount":
        return last.amount.value != 0
    return last.amount.value < 0 and last.label.kind != "deposit" and len(line.money) == 1 and not _is_return(line)


def _is_return(line: Line) -> bool:
    return "DEPOSIT" in concepts_of(line.text)


def _reduced(entry: _Entry, line: Line) -> _Entry:
    amount = abs(line.money[-1].amount.value)
    item = entry.item
    return _Entry(
        (*entry.lines, line),
        item.model_copy(
            update={"discount": (item.discount or Decimal(0)) + amount, "total": (item.total or Decimal(0)) - amount}
        ),
    )


def _quantity_only(line: Line) -> bool:
    return (
        _QUANTITY_ONLY.match(line.text.strip()) is not None
        and _TIMES.search(line.text) is not None
        and len(line.money) <= 1
    )


def _words_stand_below(region: Sequence[Line]) -> bool:
    """Tell whether price lines without words have them on the line below, as shown by the first one."""
    for position, line in enumerate(region):
        if line.money and not _quantity_only(line) and not _own_words(line):
            above = region[position - 1] if position else None
            return (
                above is None
                or bool(above.money)
                or len(concepts_of(above.text) & _TABLE_HEAD) >= 2
                or not above.has_letters
            )
    return False


def _own_words(line: Line) -> str:
    """Return the words of a price line that describe the thing: what is left of its first price, without codes."""
    first = line.money[0].amount.start
    text = _LEADING_CODE.sub("", line.text[:first])
    text = _TIMES.sub(" ", text)
    counted = _LEADING_COUNT.sub("", text)
    words = counted.strip(" .:-*#@=xX×\t")
    return words if len(re.findall(r"[^\W\d_]", words)) >= 2 else ""


def _entry(line: Line, lines: Sequence[Line], region: Sequence[Line], *, below: bool) -> _Entry:
    words, used = _own_words(line), [line]
    if not words:
        other = line.index + 1 if below else line.index - 1
        neighbours = [each for each in region if each.index == other and not each.money and each.has_letters]
        words = (
            neighbours[0].text.strip()
            if neighbours
            else line.text[: line.money[0].amount.start].strip() or line.text.strip()
        )
        used += neighbours
    total = line.money[-1].amount.value
    quantity, unit = _quantity(line, total)
    if quantity is None:
        quantity, unit = _from_neighbour(line, lines, total)
    item = LineItem(description=re.sub(r"\s+", " ", words)[:120], quantity=quantity, unit_price=unit, total=total)
    return _Entry(tuple(used), item)


def _quantity(line: Line, total: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Find two numbers on the line whose product is its total; a bare leading count is believed without a price."""
    values = [amount.value for amount in line.amounts[:-1] if not amount.percent and amount.value > 0][-6:]
    for first, quantity in enumerate(values):
        for unit in values[first + 1 :]:
            for one, other in ((quantity, unit), (unit, quantity)):
                if abs(one * other - total) <= _CENT / 2 and one == one.to_integral_value():
                    return one, other
            if abs(quantity * unit - total) <= _CENT / 2:
                return quantity, unit
    return None, None


def _from_neighbour(line: Line, lines: Sequence[Line], total: Decimal) -> tuple[Decimal | None, Decimal | None]:
    """Take the quantity from a line of its own (`2 x 0,75`) above or below, if the product is this line's total."""
    for index in (line.index - 1, line.index + 1):
        if (
            0 <= index < len(lines)
            and _TIMES.search(lines[index].text)
            and (_quantity_only(lines[index]) or not lines[index].money)
        ):
            values = [amount.value for amount in lines[index].amounts if amount.value > 0][:4]
            for first, quantity in enumerate(values):
                for unit in values[first + 1 :]:
                    if abs((quantity * unit).quantize(_CENT) - total) <= _CENT:
                        return quantity, unit
    counted = _LEADING_COUNT.match(line.text)
    return (Decimal(counted[1]), None) if counted and int(counted[1]) > 0 else (None, None)


def _found(entry: _Entry) -> Found[LineItem]:
    first = entry.lines[0]
    boxes = tuple(line.row.bbox for line in entry.lines if line.row.page == first.row.page)
    confidence = min(line.row.confidence for line in entry.lines) * 0.9
    evidence = " / ".join(line.raw for line in entry.lines)
    return Found(
        value=entry.item,
        confidence=round(confidence, 3),
        page=first.row.page,
        bbox=enclosing(boxes),
        evidence=evidence[:300],
    )
