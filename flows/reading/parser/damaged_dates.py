"""Days that a damaged date may mean: its year is cut off at the paper's edge, or one of its figures was misread.

They are candidates for a person to choose from, never chosen by themselves.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence

from flows.reading.parser.lines import Line
from flows.reading.parser.mended_dates import LOOK_ALIKE
from flows.reading.parser.purchase_date import DateChoice, in_epoch, is_possible_day

_CUT_OFF = re.compile(r"(?<![\d./-])(\d{1,2})([./-])(\d{1,2})\2(20\d)(?![\d./-])")
DamagedDay = tuple[dt.date, Line, int, int]  # with the place of what is printed in its line
_Figures = tuple[tuple[int, int, int], Line, int, int]  # year, month and day, which may be none of the calendar


def damaged_days(
    lines: Sequence[Line], date: DateChoice | None, order: str | None, country: str | None, today: dt.date
) -> Iterator[DamagedDay]:
    """Yield the days that may be meant, the newest first.

    Args:
        date: The chosen day; of one on which a tax that the receipt names was not charged a figure is misread.
        order: Of day and month on this receipt, `mdy` or else the day first.
    """
    misread = _misread(date) if date is not None and not date.in_epoch else ()
    for figures, line, start, end in [*_cut_off(lines, order), *misread]:
        try:
            day = dt.date(*figures)
        except ValueError:
            continue
        if is_possible_day(day, today) and in_epoch(day, lines, country):
            yield day, line, start, end


def _cut_off(lines: Sequence[Line], order: str | None) -> Iterator[_Figures]:
    for line in lines:
        for match in _CUT_OFF.finditer(line.raw):
            first, second = int(match[1]), int(match[3])
            month, day = (first, second) if order == "mdy" else (second, first)
            for last in range(9, -1, -1):
                yield (int(f"{match[4]}{last}"), month, day), line, *match.span()


def _misread(date: DateChoice) -> Iterator[_Figures]:
    year = str(date.day.year)
    years = {year[:at] + other + year[at + 1 :] for at in (2, 3) for other in LOOK_ALIKE[year[at]]}
    for other in sorted(years, reverse=True):
        figures = (int(other), date.day.month, date.day.day)
        yield figures, date.line, date.mention.start, date.mention.end
