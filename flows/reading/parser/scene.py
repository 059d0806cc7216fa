"""What is on the picture: one receipt, several, or no receipt at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, pairwise

from flows.reading.parser import names
from flows.reading.parser.concepts import concepts_of
from flows.reading.parser.lines import Line, Money
from flows.reading.parser.merchant import looks_like_head
from flows.reading.parser.purchase_date import is_other_date
from flows.reading.parser.rows import Row, Token

_MIN_MONEY = 1
_MIN_SIDE_TOKENS = 12
# Gutters lean where the picture was turned for one of the receipts: sideways pixels for each pixel down.
_LEANS = (0.0, 0.03, -0.03, 0.06, -0.06, 0.1, -0.1)
_SAME_PURCHASE_MINUTES = 15  # a card's slip is printed some minutes after its receipt, or before
# Labels of amounts by which one total leads to another.
_STEP_KINDS = frozenset({"tip", "cash", "service", "discount", "deposit", "voucher", "rounding"})


def why_no_receipt(lines: Sequence[Line], money: Sequence[Money]) -> str | None:
    """Return why these words are no receipt's, or None when they may be one."""
    if not lines:
        return "the page has no text"
    first_price = next((line.index for line in lines if line.money), len(lines))
    title = next((line.raw.strip() for line in lines[:first_price] if names.titles_other_paper(line.raw)), None)
    if title is not None:
        return f"it is titled {title}, which is no purchase"
    if len(money) < _MIN_MONEY:
        return "no amount of money is on the page"
    concepts = {concept for line in lines for concept in concepts_of(line.text)}
    telling = concepts & {"TOTAL", "SUB", "TAX", "CASH", "CARD", "CHANGE", "DUE", "AMOUNT"}
    if len(money) < 3 and not telling:
        return "there is hardly any amount, and no word that receipts have"
    if not telling and not any(line.dates for line in lines):
        return "there are prices, but no total, no payment and no date"
    return None


def count_receipts(lines: Sequence[Line]) -> int:
    """Count the receipts on the fullest page: stacked ones by repeated head and total, neighbours by two full columns.

    Wherever they lie: two different totals, each after goods of its own, and two different times of purchase.
    """
    pages = [[line for line in lines if line.row.page == page] for page in {line.row.page for line in lines}]
    return max((_count_on_page(page) for page in pages), default=1)


def _count_on_page(lines: Sequence[Line]) -> int:
    apart = _are_of_several_purchases(_stamps(lines))
    return max(_stacked(lines), _side_by_side([line.row for line in lines]), _closed(lines) if apart else 1)


def _stacked(lines: Sequence[Line]) -> int:
    """Count runs of head, then priced lines, then a total, then a payment, with different totals."""
    count, last_total = 0, None
    totals = [strong[-1] for line in lines if (strong := _strong_totals(line))]
    if len(set(totals)) > 2 and totals[-1] == sum(dict.fromkeys(totals[:-1])):
        return 1  # parts of one purchase, added up at its end
    priced, total_seen, head_seen = 0, None, True
    between: set[Decimal] = set()
    for line in lines:
        strong = _strong_totals(line)
        if looks_like_head(line) and total_seen is not None:
            head_seen, priced, total_seen = True, 0, None
        priced += _is_priced(line)
        if strong and priced and head_seen and total_seen is None:
            total_seen = strong[-1]
            if last_total is None or not _leads_to(last_total, total_seen, between):
                count += 1
            last_total, between = total_seen, set()
            head_seen = False
        between |= _steps(line)
    return count


def _steps(line: Line) -> set[Decimal]:
    """Amounts by which one total may lead to another: what goods cost is none."""
    return {
        abs(money.amount.value) for money in line.money if money.label.kind in _STEP_KINDS or money.amount.value < 0
    }


def _leads_to(one: Decimal, other: Decimal, between: set[Decimal]) -> bool:
    """Tell whether a total is the one before, or that with an amount printed between: a tip, a discount."""
    return one == other or abs(one - other) in between


def _closed(lines: Sequence[Line]) -> int:
    """Count the different totals that come after goods of their own."""
    totals: list[Decimal] = []
    priced = 0
    between: set[Decimal] = set()
    for line in lines:
        strong = _strong_totals(line)
        priced += _is_priced(line)
        between |= _steps(line)
        if strong and priced:
            if not any(_leads_to(one, strong[-1], between) for one in totals):
                totals.append(strong[-1])
            priced, between = 0, set()
    return len(totals)


def _is_priced(line: Line) -> bool:
    return bool(line.money) and not any(money.label.kind for money in line.money)


def _strong_totals(line: Line) -> list[Decimal]:
    return [money.amount.value for money in line.money if money.label.kind == "total" and money.label.strength >= 2]


@dataclass(frozen=True)
class _Stamp:
    """A printed date's possible days and, where one stands beside it, the time in minutes of the day."""

    days: frozenset[dt.date]
    minutes: int | None


def _stamps(lines: Sequence[Line]) -> list[_Stamp]:
    stamps = []
    for line in lines:
        minutes = next((60 * each.value.hour + each.value.minute for each in line.times if each.certain), None)
        dates = [date for date in line.dates if not is_other_date(lines, line, date)]
        stamps += [_Stamp(frozenset(date.readings), minutes) for date in dates]
    return stamps


def _are_of_several_purchases(stamps: Sequence[_Stamp]) -> bool:
    return any(_are_apart(one, other) for one, other in combinations(dict.fromkeys(stamps), 2))


def _are_apart(one: _Stamp, other: _Stamp) -> bool:
    if one.days.isdisjoint(other.days):
        return True
    both_timed = one.minutes is not None and other.minutes is not None
    return both_timed and abs((one.minutes or 0) - (other.minutes or 0)) > _SAME_PURCHASE_MINUTES


def _side_by_side(rows: Sequence[Row]) -> int:
    """Tell whether an empty gutter parts the page into two columns that each have a total beside its label."""
    if sum(len(row.tokens) for row in rows) < 2 * _MIN_SIDE_TOKENS:
        return 1
    parted = (_both_sides_total(rows, gutter, lean) for lean in _LEANS for gutter in _gutters(rows, lean))
    return 2 if any(parted) else 1


def _gutters(rows: Sequence[Row], lean: float) -> list[float]:
    """Middles of the upright strips, leaning by so much, that no token touches."""
    spans = sorted(_span(token, lean) for row in rows for token in row.tokens)
    reach, gutters = spans[0][1], []
    for left, right in spans:
        if left > reach:
            gutters.append((reach + left) / 2)
        reach = max(reach, right)
    return gutters


def _span(token: Token, lean: float) -> tuple[float, float]:
    shift = lean * (token.bbox.top + token.bbox.bottom) / 2
    return token.bbox.left - shift, token.bbox.right - shift


def _both_sides_total(rows: Sequence[Row], gutter: float, lean: float) -> bool:
    left = [" ".join(token.text for token in row.tokens if _span(token, lean)[1] <= gutter) for row in rows]
    right = [" ".join(token.text for token in row.tokens if _span(token, lean)[0] >= gutter) for row in rows]
    return _has_total(left) and _has_total(right)


def _has_total(texts: Sequence[str]) -> bool:
    if sum(len(text.split()) for text in texts) < _MIN_SIDE_TOKENS:
        return False
    return any(concepts_of(text) & {"TOTAL", "DUE"} and sum(char.isdigit() for char in text) >= 2 for text in texts)


def how_pages_differ(lines: Sequence[Line]) -> str | None:
    """Return what tells that pages are of several receipts, not of one: their totals, or their times of purchase."""
    strongest: dict[int, Money] = {}
    for line in lines:
        for money in line.money:
            if money.label.kind == "total" and money.label.strength >= 2:
                held = strongest.get(line.row.page)
                if held is None or money.label.strength >= held.label.strength:
                    strongest[line.row.page] = money
    pages = sorted(strongest)
    values = [strongest[page].amount.value for page in pages]
    if any(one != other for one, other in pairwise(values)):
        return f"the pages have different totals, {' and '.join(map(str, values[:3]))}"
    stamps = [_stamps([line for line in lines if line.row.page == page]) for page in pages]
    if any(_share_no_time(one, other) for one, other in pairwise(stamps)):
        return f"the pages have the same total, {values[0]}, at different times"
    return None


def _share_no_time(one: Sequence[_Stamp], other: Sequence[_Stamp]) -> bool:
    return bool(one and other) and all(_are_apart(first, second) for first in one for second in other)
