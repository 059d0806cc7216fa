"""Rows with what is written on them: dates, times, amounts, and the label of each amount."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from flows.domain.fields import Page
from flows.reading.parser import names
from flows.reading.parser.amounts import Amount, NumberStyle, find_amounts, learn_style
from flows.reading.parser.concepts import concepts_of
from flows.reading.parser.currency_marks import MARKS, mark_pattern
from flows.reading.parser.dates import DateMention, TimeMention, blank, find_dates, find_times
from flows.reading.parser.folding import VOWEL_SIGNS
from flows.reading.parser.labels import (
    COUNTED_TOTAL,
    NO_LABEL,
    Label,
    converts,
    counts_beside,
    heads_tax_table,
    label_of,
    suggests_tip,
    with_tip,
)
from flows.reading.parser.rows import Row, rows_of

_LETTERS = re.compile(
    rf"[^\W\d_][^\W\d_]|(?:[^\W\d_] ){{2}}[^\W\d_]|[^\W\d_][{VOWEL_SIGNS}]|[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]"
)
_COLON_PRICE = re.compile(r"((?:RM|EUR|USD|[€$£])\s?\d{1,5}):(\d\d)(?![\d:])")
_MASKED = re.compile(r"[*•xX]{4,} ?\d{4}$")  # of a card
_YEAR = re.compile(r"(?:[/.\-]|\b(?:de|of|von|du|del) )(?:19|20)\d\d$")  # `RES.11/2004`, `Ley 20.727 de 2014`
_COUNTERS = re.compile(r"[:.\-=*#\s]")
_LAST_MARK = re.compile(rf"(?:^|\W)({mark_pattern()})\W*$", re.IGNORECASE)
# A label with its amount in a column of its own, which OCR spoiled: `Total Saving 0 00  Total  41.50`.
_OTHER_PAIR = re.compile(r"^.*[^\W\d_].*\d[\s.,]?\d\d\s{2,}(?=[^\W\d_])")
_ONLY_MARK = re.compile(rf"\W*({mark_pattern()})\W*", re.IGNORECASE)
MIN_POINTLESS = 100  # a smaller whole number may well be a price without its cents
MIN_BARE_PRICE, MAX_BARE_PRICE = 10, 1_000_000
MAX_TABLE_GAP = 2  # lines without an amount after which a tax table is over
_TABLE_ENDS = {"cash", "card", "change", "rounding", "discount", "voucher", "points", "tip"}
_KINDS_BEHIND = {"total", "subtotal", "cash", "card", "change", "voucher", "rounding"}
MAX_SUGGESTIONS = 8  # lines that a heading of suggested tips speaks for
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

    @property
    def mark(self) -> str | None:
        """The currency mark at the amount, or else at the end of its label: `Total CHF`."""
        if self.amount.mark:
            return self.amount.mark
        match = _LAST_MARK.search(self.label_text)
        return MARKS.get(match[1].upper()) if match else None


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
    return tuple(_given_before_change(_suggested(_tabled(_labelled_from_neighbours(_pointed(lines, style)))))), style


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
    times = [replace(time, certain=True) if _is_behind_date(time, dates, undated) else time for time in times]
    for time in times:
        if time.certain:
            undated = undated[: time.start] + " " * (time.end - time.start) + undated[time.end :]
    return undated, dates, times


def _is_behind_date(time: TimeMention, dates: Sequence[DateMention], text: str) -> bool:
    """Tell whether a time that is written like an amount ends a line that has a date before it: `24/07/21 06.18`."""
    between = [text[date.end : time.start] for date in dates if date.end <= time.start]
    return bool(between) and not between[-1].strip(" -,/") and not text[time.end :].strip()


def _is_money(amount: Amount, style: NumberStyle) -> bool:
    if amount.looks_like_money or (style.thousandths and amount.decimals == 3 and not amount.percent):
        return True
    return not style.cents and not amount.percent and amount.grouped


def _bare_price(amount: Amount, line: Line, style: NumberStyle) -> bool:
    """Tell whether a plain whole number closes a line of words, on a receipt whose currency has no cents."""
    if style.cents or amount.percent or amount.decimals or amount is not line.amounts[-1]:
        return False
    text = line.text
    if any(pattern.search(text[: amount.end]) for pattern in (_YEAR, _MASKED)):
        return False
    told = names.looks_like_address(text) or names.looks_like_contact(text) or names.looks_like_paper(text)
    least = 1 if "ROUND" in concepts_of(text) else MIN_BARE_PRICE
    return least <= abs(amount.value) < MAX_BARE_PRICE and not told and len(text.rstrip()) - amount.end <= 3


def _money_of(line: Line, style: NumberStyle) -> tuple[Money, ...]:
    found: list[Money] = []
    before = 0
    label, label_text = NO_LABEL, ""
    for amount in line.amounts:
        if not _is_money(amount, style) and not _bare_price(amount, line, style):
            continue
        segment = _OTHER_PAIR.sub("", line.text[before : amount.start])
        if _LETTERS.search(segment):
            label, label_text = _label_of(segment, amount), segment.strip()
            if label.kind == "total" and before and "POINTS" in concepts_of(line.text[:before]):
                label = Label("points", 2)  # `PUNCTE: 49 TOTAL: 1.188`
            if label.kind == "rounding" and style.cents and abs(amount.value) >= 1:
                label = Label("total", 2.5)  # no rounding is that large: it is what was rounded to
        elif not found and not line.text[: amount.start].strip():
            label, label_text = _label_behind(line, amount)
        found.append(Money(amount, line.index, len(found), label, label_text))
        before = amount.end
    return tuple(found)


def _label_behind(line: Line, amount: Amount) -> tuple[Label, str]:
    """The label of the only amount of a line that it begins: `10,40  SUMME EUR`."""
    behind = line.text[amount.end :].strip()
    label = label_of(behind) if amount is line.amounts[-1] else NO_LABEL
    return (label, behind) if label.kind in _KINDS_BEHIND else (NO_LABEL, "")


def _label_of(segment: str, amount: Amount) -> Label:
    label = label_of(segment)
    if converts(segment):
        return Label("conversion", 1)
    if label.kind == "count" and amount.decimals == 2 and counts_beside(segment):
        return COUNTED_TOTAL
    return label


def _suggested(lines: list[Line]) -> list[Line]:
    """Mark the tips that are only suggested, with their totals, so that they are neither paid nor a proof.

    They follow a heading, or stand on lines with a percentage; a single line with a percentage is a tip that was
    charged.
    """
    inside = 0
    for index, line in enumerate(lines):
        concepts = concepts_of(line.text)
        if with_tip(line.text) and _is_paid_below(line, lines):
            continue
        if suggests_tip(line.text):
            inside = MAX_SUGGESTIONS
        elif not inside or not line.money:
            inside = max(inside - 1, 0)
            continue
        elif not ("TIP" in concepts or with_tip(line.text) or any(amount.percent for amount in line.amounts)):
            inside = 0
            continue
        lines[index] = replace(line, money=tuple(replace(each, label=Label("suggestion", 1)) for each in line.money))
    return [_without_suggested_total(line) for line in lines]


def _is_paid_below(line: Line, lines: Sequence[Line]) -> bool:
    """Tell whether a total with a suggested tip is printed again: then it was paid."""
    values = {money.amount.value for money in line.money}
    return any(money.amount.value in values for other in lines[line.index + 1 :] for money in other.money)


def _without_suggested_total(line: Line) -> Line:
    """Mark what stands on one line with a percentage, a tip and the total that it would make."""
    kinds = {money.label.kind for money in line.money}
    if not ({"tip", "total"} <= kinds and any(each.percent for each in line.amounts)):
        return line
    return replace(line, money=tuple(replace(each, label=Label("suggestion", 1)) for each in line.money))


def _labelled_from_neighbours(lines: list[Line]) -> list[Line]:
    """Give a label without an amount to the bare amount of the next line, or else of the line before."""
    for index, line in enumerate(lines):
        if line.money or not line.has_letters:
            continue
        label = label_of(line.text)
        if label.kind in {"", "amount", "count", "points"} or len(line.text) > 40:
            continue
        for other in (index + 1, index - 1):
            bare = 0 <= other < len(lines) and _is_bare(lines[other]) and lines[other].row.page == line.row.page
            if bare and (len(lines[other].money) == 1 or other > index):
                lines[other] = replace(
                    lines[other],
                    money=tuple(
                        replace(money, label=label, label_text=line.text.strip(), from_above=True)
                        for money in lines[other].money
                    ),
                )
                break
    return lines


def _given_before_change(lines: list[Line]) -> list[Line]:
    """Call an amount beside nothing but a currency, right above the change, what was given: `EURO 20,00`."""
    for index, line in enumerate(lines[1:], start=1):
        above = lines[index - 1]
        if len(above.money) != 1 or not any(money.label.kind == "change" for money in line.money):
            continue
        given = above.money[0]
        if not given.label.kind and _ONLY_MARK.fullmatch(re.split(r"\d", above.text, maxsplit=1)[0]):
            lines[index - 1] = replace(above, money=(replace(given, label=Label("cash", 1)),))
    return lines


def _is_bare(line: Line) -> bool:
    """Tell whether a line has money and nothing that labels or describes it."""
    rest = line.text
    for amount in reversed(line.amounts):
        rest = rest[: amount.start] + rest[amount.end :]
    return bool(line.money) and all(not money.label.kind for money in line.money) and len(_COUNTERS.sub("", rest)) <= 3
