"""Single values as they are printed or typed: what a word of the picture, a piece that is read again, or a person's
short way of writing a date means on its receipt.

The receipt tells what is ambiguous: its country and currency in which order a date stands.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from flows.domain.fields import BBox, Page, ReceiptFields
from flows.reading.parser.currency_marks import MARKS, SHARED, mark_pattern
from flows.reading.parser.dates import DateMention, find_dates
from flows.reading.parser.lines import Line, read_lines
from flows.reading.parser.purchase_date import day_order, is_possible_day


@dataclass(frozen=True, slots=True)
class PrintedValue:
    """A date or an amount with where it is printed: `bbox` in pixels of the upright page `page`, counted from 1."""

    value: dt.date | Decimal
    page: int
    bbox: BBox


def printed_values(pages: Sequence[Page], fields: ReceiptFields | None, *, today: dt.date) -> list[PrintedValue]:
    """Every date and amount of money on pages, in reading order.

    Args:
        pages: Their words.
        fields: What was read of the receipt that they are of; its country and currency order days and months.
        today: No date is later.
    """
    lines, _ = read_lines(tuple(pages))
    mentions = [(line, mention) for line in lines for mention in line.dates]
    order = _order_of(mentions, fields, today)
    dates = [(line, each.start, each.end, day) for line, each in mentions if (day := _meant(each, order, today))]
    amounts = [(line, each.amount.start, each.amount.end, each.amount.value) for line in lines for each in line.money]
    return [
        PrintedValue(value, line.row.page, line.row.box_of(start, end)) for line, start, end, value in dates + amounts
    ]


def values_by_field(page: Page, fields: ReceiptFields | None, *, today: dt.date) -> dict[str, list[str]]:
    """What a piece of a receipt gives for each deciding field, as a person would type it, in reading order.

    Args:
        page: The words of the piece.
        fields: What was read of the whole receipt.
        today: No date is later.
    """
    found = [one.value for one in printed_values((page,), fields, today=today)]
    text = " ".join(word.text for word in page.words).strip()
    return {
        "total": [str(value) for value in found if isinstance(value, Decimal)],
        "purchase_date": [str(value) for value in found if isinstance(value, dt.date)],
        "currency": _currencies_in(text, fields),
        "merchant": [text] if text else [],
    }


def _currencies_in(text: str, fields: ReceiptFields | None) -> list[str]:
    likely = fields.currency.value if fields and fields.currency else None
    marks = [MARKS[match.upper()] for match in re.findall(mark_pattern(), text, re.IGNORECASE)]
    meant = [SHARED.get(mark, (mark,)) for mark in marks]
    return list(dict.fromkeys(code for codes in meant for code in ((likely,) if likely in codes else codes) if code))


def date_in(text: str, fields: ReceiptFields | None, *, today: dt.date) -> dt.date | None:
    """The day that a whole text such as `4.5.20`, `04/05/2020` or `May 4 2020` is; None where it may be several."""
    order = _order_of([], fields, today)
    text = text.strip()
    for mention in find_dates(text):
        days = {day for day in mention.readings if is_possible_day(day, today)}
        if (mention.start, mention.end) == (0, len(text)) and (order or len(days) == 1):
            return _meant(mention, order, today)
    return None


def _order_of(mentions: Sequence[tuple[Line, DateMention]], fields: ReceiptFields | None, today: dt.date) -> str | None:
    country = fields.country.value if fields and fields.country else None
    currency = fields.currency.value if fields and fields.currency else None
    return day_order(mentions, today, country, currency)[0]


def _meant(mention: DateMention, order: str | None, today: dt.date) -> dt.date | None:
    """The reading in the receipt's order; else the likeliest form that can be."""
    possible = [
        (form != order, day)
        for day, form in zip(mention.readings, mention.orders, strict=True)
        if is_possible_day(day, today)
    ]
    return min(possible, key=lambda each: each[0])[1] if possible else None
