"""Where on the pages the values stand that decide: what is worth a second look where text is only claimed.

Every printed date counts, since which of them is the day of purchase depends on the day on which one asks.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from flows.domain.fields import BBox, Page
from flows.reading.parser.items import find_items, item_sum
from flows.reading.parser.lines import Line, read_lines
from flows.reading.parser.merchant import find_merchants
from flows.reading.parser.metered import metered_sums
from flows.reading.parser.taxes import find_taxes, table_gross
from flows.reading.parser.totals import collect, rank_totals, sums_of

_MOST_DATES = 3
_NEAR = 2.0  # points behind the likeliest total: which of them is chosen may depend on the country


@dataclass(frozen=True)
class Place:
    """A piece of a line: its page, its box, and what the text says that stands there."""

    page: int
    bbox: BBox
    text: str


def deciding_places(pages: tuple[Page, ...]) -> tuple[Place, ...]:
    """Return the places of the likeliest totals with their labels, of the dates and of the merchant's name."""
    lines, _ = read_lines(pages)
    return tuple(dict.fromkeys([*_totals(lines), *_dates(lines), *_names(lines)]))


def _totals(lines: tuple[Line, ...]) -> Iterator[Place]:
    money = collect(lines)
    items, table = item_sum(find_items(lines)), table_gross(find_taxes(lines))
    sums = sums_of(money, items=items, table=table, metered=metered_sums(lines))
    ranked = rank_totals(money, sums)[:2]
    for candidate in [each for each in ranked if ranked[0].score - each.score < _NEAR]:
        best = candidate.best
        line = lines[best.line]
        yield _place(line, best.amount.start, best.amount.end)
        start = line.raw.find(best.label_text) if best.label_text and not best.from_above else -1
        if start >= 0:
            yield _place(line, start, start + len(best.label_text))


def _dates(lines: tuple[Line, ...]) -> Iterator[Place]:
    found = [_place(line, mention.start, mention.end) for line in lines for mention in line.dates]
    yield from list({place.text: place for place in reversed(found)}.values())[-_MOST_DATES:]


def _names(lines: tuple[Line, ...]) -> Iterator[Place]:
    for name in find_merchants(lines)[:1]:
        for line in name.lines[:1]:
            yield _place(line, 0, len(line.raw))


def _place(line: Line, start: int, end: int) -> Place:
    tokens = [token for token in line.row.tokens if token.start < end and token.end > start]
    said = " ".join(token.text for token in tokens)
    return Place(line.row.page, line.row.box_of(start, end), said)
