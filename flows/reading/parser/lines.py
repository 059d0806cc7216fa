"""Rows with what is written on them: dates, times, amounts, and the label of each amount."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from flows.domain.fields import Page
from flows.reading.parser import names
from flows.reading.parser.amounts import Amount, NumberStyle, find_amounts, learn_style
from flows.reading.parser.dates import DateMention, TimeMention, blank, find_dates, find_times
from flows.reading.parser.labels import NO_LABEL, Label, heads_tax_table, label_of
from flows.reading.parser.rows import Row, rows_of

_LETTERS = re.compile(r"[^\W\d_]{2,}")
_COLON_PRICE = re.compile(r"((?:RM|EUR|USD|[€$£])\s?\d{1,5}):(\d\d)(?![\d:])")
_COUNTERS = re.compile(r"[:.\-=*#\s]")
MIN_POINTLESS = 100  # a smaller whole number may well be a price without its cents
MAX_BARE_PRICE = 1_000_000
MAX_TABLE_GAP = 2  # lines without an amount after which a tax table is over
_TABLE_ENDS = {"cash", "card", "change", "rounding", "discount", "voucher", "points", "tip"}
MAX_LINES = 1500  # a receipt over twenty pages; more is noise that only costs time
MAX_LINE_CHARS = 400  # a printed receipt has at most 80 columns; more is noise that only costs time


@dataclass(frozen=True)
class Money:
    """An amount of money on a line, with the label that it has from its place. `column` counts along the line."""

    amount: Amount
    line: int
    column: int
    label: Label
    label_text: str
    from_above: bool = False


@dataclass(frozen=True)
class Line:
    """One row read: `text` has its dates and times blanked out, so that every number left may be money."""

    index: int
    row: Row
    raw: str
    text: str
    dates: tuple[DateMention, ...]
    times: tuple[TimeMention, ...]
    amounts: tuple[Amount, ...]
    money: tuple[Money, ...]

    @property
    def has_letters(self) -> bool:
        return _LETTERS.search(self.text) is not None


def read_lines(pages: tuple[Page, ...]) -> tuple[tuple[Line, ...], NumberStyle]:
    """Read all pages' rows in order, under the number style learned from all of them."""
    rows = [row for page in pages for row in rows_of(page)][:MAX_LINES]
    dated = [_dated(row.text[:MAX_LINE_CHARS]) for row in rows]
    style = learn_style(text for text, _, _ in dated)
    lines: list[Line] = []
    for index, (row, (text, dates, times)) in enumerate(zip(rows, dated, strict=True)):
        amounts = tuple(find_amounts(text, style))
        line = Line(index, row, row.text[:MAX_LINE_CHARS], text, tuple(dates), tuple(times), amounts, ())
        lines.append(replace(line, money=_money_of(line, style)))
    return tuple(_tabled(_labelled_from_neighbours(_pointed(lines, style)))), style


def _pointed(lines: list[Line], style: NumberStyle) -> list[Line]:
    """Read `RM 8817` as 88.17 where the receipt has cents and writes 88.17 elsewhere: the point was lost in print."""
    whole = {money.amount.value for line in lines for money in line.money if money.amount.decimals == 2}
    if not style.cents or not whole:
        return lines
    return [replace(line, money=tuple(_with_point(each, whole) for each in line.money)) for line in lines]


def _with_point(money: Money, whole: set[Decimal]) -> Money:
    amount = money.amount
    if amount.decimals or amount.value < MIN_POINTLESS or amount.value in whole:
        return money
    value = amount.value / 100 if amount.value / 100 in whole else amount.value
    return replace(money, amount=replace(amount, value=value, decimals=2, repaired=True))


def _tabled(lines: list[Line]) -> list[Line]:
    """Mark the amounts of a tax table, so that its column sums are not taken for the receipt's."""
    inside = 0
    for index, line in enumerate(lines):
        if not line.money:
            inside = MAX_TABLE_GAP if heads_tax_table(line.text) else max(inside - 1, 0)
            continue
        if inside and any(money.label.kind in _TABLE_ENDS for money in line.money):
            inside = 0
        if inside:
            inside = MAX_TABLE_GAP
            lines[index] = replace(line, money=tuple(replace(money, label=Label("table", 1)) for money in line.money))
    return lines


def _dated(text: str) -> tuple[str, list[DateMention], list[TimeMention]]:
    text = _COLON_PRICE.sub(r"\1.\2", text)
    dates = find_dates(text)
    undated = blank(text, dates)
    times = find_times(undated)
    for time in times:
        if time.certain:
            undated = undated[: time.start] + " " * (time.end - time.start) + undated[time.end :]
    return undated, dates, times


def _is_money(amount: Amount, style: NumberStyle) -> bool:
    if amount.looks_like_money:
        return True
    return not style.cents and not amount.percent and amount.grouped


def _bare_price(amount: Amount, line: Line, style: NumberStyle) -> bool:
    """Tell whether a plain whole number closes a line of words, on a receipt whose currency has no cents."""
    if style.cents or amount.percent or amount.decimals or amount is not line.amounts[-1]:
        return False
    text = line.text
    told = names.looks_like_address(text) or names.looks_like_contact(text) or names.looks_like_paper(text)
    return 10 <= amount.value < MAX_BARE_PRICE and not told and len(text.rstrip()) - amount.end <= 3


def _money_of(line: Line, style: NumberStyle) -> tuple[Money, ...]:
    found: list[Money] = []
    before = 0
    label, label_text = NO_LABEL, ""
    for amount in line.amounts:
        if not _is_money(amount, style) and not _bare_price(amount, line, style):
            continue
        segment = line.text[before : amount.start]
        if _LETTERS.search(segment):
            label, label_text = label_of(segment), segment.strip()
            if label.kind == "rounding" and style.cents and abs(amount.value) >= 1:
                label = Label("total", 2.5)  # no rounding is that large: it is what was rounded to
        found.append(Money(amount, line.index, len(found), label, label_text))
        before = amount.end
    return tuple(found)


def _labelled_from_neighbours(lines: list[Line]) -> list[Line]:
    """Give a label without an amount to the bare amount of the next line, or else of the line before."""
    for index, line in enumerate(lines):
        if line.money or not line.has_letters:
            continue
        label = label_of(line.text)
        if label.kind in {"", "amount", "count", "points"} or len(line.text) > 40:
            continue
        for other in (index + 1, index - 1):
            if 0 <= other < len(lines) and _is_bare(lines[other]) and lines[other].row.page == line.row.page:
                lines[other] = replace(
                    lines[other],
                    money=tuple(
                        replace(money, label=label, label_text=line.text.strip(), from_above=True)
                        for money in lines[other].money
                    ),
                )
                break
    return lines


def _is_bare(line: Line) -> bool:
    """Tell whether a line has money and nothing that labels or describes it."""
    rest = line.text
    for amount in reversed(line.amounts):
        rest = rest[: amount.start] + rest[amount.end :]
    return bool(line.money) and all(not money.label.kind for money in line.money) and len(_COUNTERS.sub("", rest)) <= 3
