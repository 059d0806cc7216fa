"""What is on the picture: one receipt, several, or no receipt at all."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import pairwise

from flows.parse.concepts import concepts_of
from flows.parse.lines import Line, Money
from flows.parse.merchant import looks_like_head
from flows.parse.rows import Row

_MIN_MONEY = 1
_MIN_SIDE_TOKENS = 12


def why_no_receipt(lines: Sequence[Line], money: Sequence[Money]) -> str | None:
    """Return why these words are no receipt's, or None when they may be one."""
    if not lines:
        return "the page has no text"
    if len(money) < _MIN_MONEY:
        return "no amount of money is on the page"
    concepts = {concept for line in lines for concept in concepts_of(line.text)}
    telling = concepts & {"TOTAL", "SUB", "TAX", "CASH", "CARD", "CHANGE", "DUE", "AMOUNT"}
    if len(money) < 3 and not telling:
        return "there is hardly any amount, and no word that receipts have"
    return None


def count_receipts(lines: Sequence[Line]) -> int:
    """Count the receipts on the picture: stacked ones by repeated head and total, neighbours by two full columns."""
    return max(_stacked(lines), _side_by_side([line.row for line in lines]))


def _stacked(lines: Sequence[Line]) -> int:
    """Count runs of head, then priced lines, then a total, then a payment, with different totals."""
    count, last_total = 0, None
    priced, total_seen, head_seen = 0, None, True
    for line in lines:
        kinds = {money.label.kind for money in line.money}
        strong = [
            money.amount.value for money in line.money if money.label.kind == "total" and money.label.strength >= 2
        ]
        if looks_like_head(line) and total_seen is not None:
            head_seen, priced, total_seen = True, 0, None
        if line.money and not kinds & {"total", "subtotal", "tax", "table", "cash", "card", "change", "rounding"}:
            priced += 1
        if strong and priced and head_seen and total_seen is None:
            total_seen = strong[-1]
            if total_seen != last_total:
                count, last_total = count + 1, total_seen
            head_seen = False
    return count


def _side_by_side(rows: Sequence[Row]) -> int:
    """Tell whether an empty gutter parts the page into two columns that each have a total beside its label."""
    spans = sorted((token.bbox.left, token.bbox.right) for row in rows for token in row.tokens)
    if len(spans) < 2 * _MIN_SIDE_TOKENS or len({row.page for row in rows}) != 1:
        return 1
    reach, gutters = spans[0][1], []
    for left, right in spans:
        if left > reach:
            gutters.append((reach + left) / 2)
        reach = max(reach, right)
    return 2 if any(_both_sides_total(rows, gutter) for gutter in gutters) else 1


def _both_sides_total(rows: Sequence[Row], gutter: float) -> bool:
    left = [" ".join(token.text for token in row.tokens if token.bbox.right <= gutter) for row in rows]
    right = [" ".join(token.text for token in row.tokens if token.bbox.left >= gutter) for row in rows]
    return _has_total(left) and _has_total(right)


def _has_total(texts: Sequence[str]) -> bool:
    if sum(len(text.split()) for text in texts) < _MIN_SIDE_TOKENS:
        return False
    return any("TOTAL" in concepts_of(text) and sum(char.isdigit() for char in text) >= 2 for text in texts)


def pages_disagree(lines: Sequence[Line]) -> list[Decimal]:
    """Return the strongest totals of consecutive pages that differ: pages of several receipts, not of one."""
    strongest: dict[int, Money] = {}
    for line in lines:
        for money in line.money:
            if money.label.kind == "total" and money.label.strength >= 2:
                held = strongest.get(line.row.page)
                if held is None or money.label.strength >= held.label.strength:
                    strongest[line.row.page] = money
    values = [strongest[page].amount.value for page in sorted(strongest)]
    return values if any(one != other for one, other in pairwise(values)) else []
