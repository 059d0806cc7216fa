"""Dates and times in a line of text, with every reading that a day/month ambiguity allows.

Only spelled forms are read here; which reading is meant is decided over the whole receipt in `purchase_date`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from babel import Locale

from flows.reading.parser.folding import fold

_MONTH_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "fi", "sv", "da", "nb", "id", "ms", "pl")
EARLIEST_YEAR = 1990
_CENTURY_TURN = 70  # two-digit years from here on are of the last century, as in POSIX
# Both separators are the same: item codes such as `13-22/3` and rows of prices are no dates.
_DAY_FIRST = re.compile(
    r"(?<![\d.,/-])(\d{1,2})(?P<sep>\s?[./\-–~|'’]\s?|\s)(\d{1,2})(?P=sep)((?:20|19)\d\d(?!:\d\d(?!\d|:))|"
    r"\d\d)(?=\D|\d{1,2}[:.]\d\d|$)"
)
_YEAR_FIRST = re.compile(
    r"(?<!\d)((?:20|19)\d\d)\s?(?P<sep>[./\-–~年])\s?(\d{1,2})\s?(?:(?P=sep)|月)\s?(\d{1,2})日?(?=\D|\d{2}:|$)"
)
_COMPACT = re.compile(r"(?<!\d)((?:20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_DAY_MONTH_NAME = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.|"
    r"er)?[\s.\-/,]*(?:de\s+)?([^\W\d_]{3,12})\.?[\s.\-/,']*(?:de[l]?\s+)?(\d{4}|\d{2})(?!\d\d)"
)
_MONTH_NAME_DAY = re.compile(
    r"(?<![^\W\d_])([^\W\d_]{3,12})\.?[\s.\-/]*(\d{1,2})(?:st|nd|rd|th)?(?:[\s.,\-/']+(?=\d{4})|[\s\-/']+)(\d{4}|"
    r"\d{2})(?![\d.,])"
)
_TIME = re.compile(
    r"(?<![\d:.,])([01]?\d|2[0-4])\s?([:.h])\s?([0-5]\d)(?:\s?[:.]\s?([0-5]\d))?\s?([ap]\.?\s?m\b\.?)?(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class DateMention:
    """A date as printed at `start` to `end` of a line. `readings` are the days it may mean, likeliest form first.

    `order` names each reading's form: `ymd`, `dmy`, `mdy` or `name` (month spelled out).
    """

    readings: tuple[dt.date, ...]
    orders: tuple[str, ...]
    start: int
    end: int
    two_digit_year: bool = False

    @property
    def ambiguous(self) -> bool:
        return len(set(self.readings)) > 1


@dataclass(frozen=True)
class TimeMention:
    """A time of day as printed at `start` to `end` of a line."""

    value: dt.time
    start: int
    end: int
    certain: bool  # written with a colon or am/pm, not as 12.30


@lru_cache(maxsize=1)
def month_names() -> dict[str, int]:
    """Return month names and abbreviations of all supported languages, folded, from CLDR."""
    names: dict[str, int] = {"sept": 9, "juil": 7, "maerz": 3, "mrz": 3, "agu": 8, "okt": 10, "des": 12, "mei": 5}
    for language in _MONTH_LANGUAGES:
        months = Locale.parse(language).months
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in months[context][width].items():
                    folded = fold(name).rstrip(".")
                    if len(folded) >= 3 and folded.isalpha():
                        names.setdefault(folded, number)
    return names


def find_dates(text: str) -> list[DateMention]:
    """Return the dates of one line, without overlaps, left to right."""
    text = text.replace("~", "-")
    found: list[DateMention] = []
    for reader in (_year_first, _day_first, _named, _compact):
        for mention in reader(text):
            if not any(mention.start < other.end and other.start < mention.end for other in found):
                found.append(mention)
    return sorted(found, key=lambda mention: mention.start)


def find_times(text: str) -> list[TimeMention]:
    """Return the times of day of one line, left to right; dates in it must have been blanked out before."""
    found = []
    for match in _TIME.finditer(text):
        hour, minute, second = int(match[1]), int(match[3]), int(match[4] or 0)
        half = (match[5] or "").lower()[:1]
        if half == "p" and hour < 12:
            hour += 12
        if half == "a" and hour == 12:
            hour = 0
        if hour < 24:
            found.append(
                TimeMention(dt.time(hour, minute, second), match.start(), match.end(), match[2] == ":" or bool(half))
            )
    return found


def blank(text: str, mentions: list[DateMention]) -> str:
    """Replace the dates by spaces, so that their digits are not read as times or money."""
    for mention in mentions:
        text = text[: mention.start] + " " * (mention.end - mention.start) + text[mention.end :]
    return text


def _day(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day) if year >= EARLIEST_YEAR else None
    except ValueError:
        return None


def _full_year(text: str) -> int:
    return int(text) if len(text) == 4 else (2000 if int(text) < _CENTURY_TURN else 1900) + int(text)


def _everywhere(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Return matches at every position: a run that is no date must not swallow the beginning of one that is."""
    start = 0
    while (match := pattern.search(text, start)) is not None:
        yield match
        start = match.start() + 1


def _whole(match: re.Match[str], text: str) -> bool:
    """Tell whether the figures stand alone rather than inside `1.000.50` or `20.10.5.00`."""
    return not re.match(r"[.,]\d", text[match.end() :])


def _mention(
    match: re.Match[str], readings: list[tuple[str, dt.date | None]], *, short: bool = False
) -> list[DateMention]:
    valid = [(order, day) for order, day in readings if day is not None]
    if not valid:
        return []
    orders, days = zip(*valid, strict=True)
    return [DateMention(tuple(days), tuple(orders), match.start(), match.end(), short)]


def _year_first(text: str) -> list[DateMention]:
    return [
        mention
        for match in _everywhere(_YEAR_FIRST, text)
        for mention in _mention(match, [("ymd", _day(int(match[1]), int(match[3]), int(match[4])))])
    ]


def _day_first(text: str) -> list[DateMention]:
    found: list[DateMention] = []
    for match in _everywhere(_DAY_FIRST, text):
        first, second, year = int(match[1]), int(match[3]), _full_year(match[4])
        separator = match["sep"].strip()
        if len(match[4]) == 2 and (not separator or (separator == "." and not _whole(match, text))):
            continue  # loose numbers and parts of prices are no date
        readings = [("dmy", _day(year, second, first)), ("mdy", _day(year, first, second))]
        if len(match[4]) == 2:
            readings.append(("ymd", _day(_full_year(match[1].zfill(2)), second, int(match[4]))))
        found += _mention(match, readings, short=len(match[4]) == 2)
    return found


def _compact(text: str) -> list[DateMention]:
    return [
        mention
        for match in _COMPACT.finditer(text)
        for mention in _mention(match, [("ymd", _day(int(match[1]), int(match[2]), int(match[3])))])
    ]


def _named(text: str) -> list[DateMention]:
    names = month_names()
    found: list[DateMention] = []
    for match in _DAY_MONTH_NAME.finditer(text):
        month = names.get(fold(match[2]))
        if month:
            found += _mention(
                match, [("name", _day(_full_year(match[3]), month, int(match[1])))], short=len(match[3]) == 2
            )
    for match in _MONTH_NAME_DAY.finditer(text):
        month = names.get(fold(match[1]))
        if month and not any(match.start() < other.end and other.start < match.end() for other in found):
            found += _mention(
                match, [("name", _day(_full_year(match[3]), month, int(match[2])))], short=len(match[3]) == 2
            )
    return found
