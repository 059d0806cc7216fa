"""What printed amounts add up to by their places alone, whatever language their labels are in.

The column above a total, the amount given and the change below it, and a row of net, tax and gross are the same
everywhere. Only an amount that is named as a total is looked at, as any two numbers are the difference of a third.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby, pairwise

from flows.reading.parser.lines import Money

_MAX_ABOVE = 60  # amounts in a column
_MAX_LINES_APART = 2  # between what was given and the change
_MIN_ROW = 3  # net, tax, gross
_NO_PAYMENT = frozenset(
    {
        *("total", "subtotal", "tax", "rounding", "discount", "service", "tip", "count", "points", "balance"),
        *("deposit", "partial", "table", "conversion", "suggestion"),
    }
)
_NOT_IN_COLUMN = frozenset({"conversion", "suggestion", "points", "balance", "count"})
_TAXES = frozenset({"tax", "table", "partial", "subtotal"})
_PAYMENTS = frozenset({"cash", "card", "amount"})  # where nothing is named as a total


def proofs_by_place(money: Sequence[Money]) -> dict[Decimal, dict[str, str]]:
    """Return for amounts named as a total what their neighbours say of them, in words for people, by check.

    Args:
        money: all of a receipt, in printed order.
    """
    found: dict[Decimal, dict[str, str]] = {}
    totals = [each for each in money if each.label.kind == "total" and each.amount.value > 0]
    totals = totals or [each for each in money if each.label.kind in _PAYMENTS and each.amount.value > 0][:1]
    rows = [list(row) for _, row in groupby(money, key=lambda each: each.line)]
    for total in totals:
        value, proofs = total.amount.value, found.setdefault(total.amount.value, {})
        for name, detail in (
            ("amounts_above", _above(total, rows, frozenset()) or _above(total, rows, _TAXES)),
            ("paid_difference", _paid(total, money)),
            ("tax_row", _row_of(value, rows)),
        ):
            if detail is not None:
                proofs.setdefault(name, detail)
    return found


def _above(total: Money, rows: Sequence[Sequence[Money]], left_out: frozenset[str]) -> str | None:
    """Add up the last amounts of the lines above a total, from the nearest upwards, until they are the total.

    Args:
        left_out: kinds of amounts that are not among them.
    """
    value, added, count = total.amount.value, Decimal(0), 0
    for row in reversed([row for row in rows if row[0].line < total.line]):
        last = row[-1]
        if last.label.kind in left_out or last.label.kind in _NOT_IN_COLUMN or last.amount.value in {0, value}:
            continue
        amount = last.amount.value
        added, count = added + (-abs(amount) if last.label.kind == "discount" else amount), count + 1
        if added == value and count > 1:
            return f"the {count} amounts above it add up to {value}"
        if last.label.kind == "total" or count == _MAX_ABOVE:
            return None
    return None


def _paid(total: Money, money: Sequence[Money]) -> str | None:
    """Find two neighbours below a total of which the first is more than it, by the second."""
    value = total.amount.value
    below = [each for each in money if each.line > total.line]
    for given, back in pairwise(below):
        if {given.label.kind, back.label.kind} & _NO_PAYMENT or back.line - given.line > _MAX_LINES_APART:
            continue
        change = abs(back.amount.value)
        if change and given.amount.value > value and given.amount.value - change == value:
            return f"{given.amount.value} and {change} are printed below it, which are {value} apart"
    return None


def _row_of(value: Decimal, rows: Sequence[Sequence[Money]]) -> str | None:
    """Find a row of which this amount is all the others together."""
    for row in rows:
        amounts = [each.amount.value for each in row if each.amount.value]
        if len(amounts) >= _MIN_ROW and max(amounts) == value and 2 * value == sum(amounts) and min(amounts) > 0:
            return f"net and tax in one row add up to {value}"
    return None
