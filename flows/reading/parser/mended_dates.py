"""Dates that are printed as such, but that OCR spoiled: `2B/09/2017`, `10=05~17`, `14/Jum/2017`, `05/052018`.

They are looked for only where a receipt has no date that is whole, and are never sure: a person confirms them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from rapidfuzz.distance import Levenshtein

from flows.reading.parser.dates import DateMention, month_names, named_mention, numeric_mention
from flows.reading.parser.folding import as_letters, fold

_FIGURES = str.maketrans("OoDQIl|!BSsZz", "0000111185522")
_FIGURE = r"[\dOoDQIl|!BSsZz]"
_PART = rf"(?=[^\W_]*\d){_FIGURE}{{1,2}}"
_YEAR = rf"[2Zz][0OoDQ]{_FIGURE}{{2}}"
_SEPARATOR = r"\s?[./\\\-–—~=_·•:;,*'’^+]{1,2}\s?"
# A whole year, between any separators; one of them may be lost: `05/052018`.
_WHOLE_YEAR = re.compile(rf"(?<![\w.,/-])({_PART}){_SEPARATOR}({_PART})(?:{_SEPARATOR})?({_YEAR})(?!\w|[.,]\d)")
_FIRST_LOST = re.compile(rf"(?<![\w.,/-])(\d\d)(\d\d)[.,/\-]({_YEAR})(?!\w|[.,]\d)")
# Of a short one both separators are there, and none that stands in amounts and times of day.
_DASH = r"\s?[/\\\-–—~=_]\s?"
_SHORT_YEAR = re.compile(rf"(?<![\w.,/-])({_PART}){_DASH}({_PART}){_DASH}({_PART})(?![\w,/-]|\.\d)")
# The century misread: `14/06/2817`.
_CENTURY = re.compile(r"(?<![\w.,/-])(\d\d)([./-])(\d\d)\2[1-9][1-9](\d\d)(?![\w,/-]|\.\d)")
# A day or a month that no calendar has: `19/18/2017`. With the year in front a time may stick to it: `2026-02-1113:27`.
_IMPOSSIBLE = re.compile(r"(?<![\w.,/-])(\d\d)([./-])(\d\d)\2(20\d\d)(?![\w,/-]|\.\d)")
_YEAR_FIRST = re.compile(r"(?<![\w.,/-])(20\d\d)([./-])(\d\d)\2(\d\d)(?=\d\d[:.\-]\d\d(?!\d)|(?![\w,/-]|\.\d))")
_NAMED = re.compile(
    r"(?<![\w.,])(\d{1,2})[\s.\-/,]{0,2}(?=[^\W_]*[^\W\d_]{2})([^\W_]{3,10})[\s.\-/,']{0,2}(20\d\d|\d\d)(?!\w|[.,]\d)"
)
# Letters of a month's short name that print and OCR take for one another.
_ALIKE = ("mnrh", "uvo", "ilj1t", "ceo0a", "gqy", "bph", "tfr", "s5", "ad")
_SHORT_NAME, _LONG_NAME = 3, 7  # letters of a month's name: one slip by look alone, and two slips
_FIGURES_OF_A_YEAR = 2
_MONTHS, _DAYS = 12, 31
# Figures that thermal print and OCR take for one another.
LOOK_ALIKE = {
    "0": "869", "1": "74", "2": "7", "3": "85", "4": "19", "5": "683", "6": "580", "7": "12", "8": "3069", "9": "480",
}  # fmt: skip


def mended_dates(text: str) -> list[DateMention]:
    """Return the dates that a line may have meant, without overlaps, left to right; all are `mended`."""
    found: list[DateMention] = []
    for reader in (_with_figures, _with_name):
        for mention in reader(text):
            if not any(mention.start < other.end and other.start < mention.end for other in found):
                found.append(replace(mention, mended=True))
    return sorted(found, key=lambda mention: mention.start)


def _with_figures(text: str) -> Iterator[DateMention]:
    for pattern in (_WHOLE_YEAR, _FIRST_LOST, _SHORT_YEAR):
        for match in pattern.finditer(text):
            first, second, year = (part.translate(_FIGURES) for part in match.groups())
            if len(year) == _FIGURES_OF_A_YEAR and len(first) + len(second) < 2 * _FIGURES_OF_A_YEAR:
                continue  # `1-2-12` counts something
            yield from numeric_mention(int(first), int(second), year, match.start(), match.end())
    for match in _IMPOSSIBLE.finditer(text):
        for first, second in _possible(match[1], match[3]):
            yield from numeric_mention(first, second, match[4], match.start(), match.end())
    for match in _YEAR_FIRST.finditer(text):
        for day, month in _possible(match[4], match[3]):
            yield from named_mention(day, (month,), match[1], match.start(), match.end())
    for match in _CENTURY.finditer(text):
        yield from numeric_mention(int(match[1]), int(match[3]), f"20{match[4]}", match.start(), match.end())


def _possible(first: str, second: str) -> Iterator[tuple[int, int]]:
    """A day and a month as printed, or with one digit read as one that looks like it, where that gives one day alone.

    Which comes first is told elsewhere; where one has to be guessed it is the day.
    """
    if _is_day_and_month(first, second):
        yield int(first), int(second)
        return
    printed = first + second
    guessed = {
        printed[:at] + other + printed[at + 1 :] for at in range(len(printed)) for other in LOOK_ALIKE[printed[at]]
    }
    valid = [each for each in guessed if 1 <= int(each[:2]) <= _DAYS and 1 <= int(each[2:]) <= _MONTHS]
    if len(valid) == 1:
        yield int(valid[0][:2]), int(valid[0][2:])


def _is_day_and_month(first: str, second: str) -> bool:
    lower, higher = sorted((int(first), int(second)))
    return 1 <= lower <= _MONTHS and 1 <= higher <= _DAYS


def _with_name(text: str) -> Iterator[DateMention]:
    for match in _NAMED.finditer(text):
        months = _nearly(fold(match[2]))
        yield from named_mention(int(match[1]), months, match[3], match.start(), match.end())


def _nearly(name: str) -> tuple[int, ...]:
    """The months whose name a text is a slip of: the fewest slips, then letters that look alike."""
    name = as_letters(name)
    if not name.isalpha():
        return ()
    near: list[tuple[int, bool, int]] = []
    for known, meant in month_names().items():
        if meant.short or len(meant.months) != 1 or not known.isascii():
            continue
        slips = Levenshtein.distance(name, known, score_cutoff=2)
        looks = len(name) == len(known) and all(a == b or _look_alike(a, b) for a, b in zip(name, known, strict=True))
        allowed = 2 if len(known) >= _LONG_NAME else 1
        if slips <= allowed and (looks or len(known) > _SHORT_NAME + 1):
            near.append((slips, not looks, meant.months[0]))
    nearest = min(near, default=None)
    return () if nearest is None else tuple(dict.fromkeys(month for *how, month in near if how == list(nearest[:2])))


def _look_alike(one: str, other: str) -> bool:
    return any(one in group and other in group for group in _ALIKE)
