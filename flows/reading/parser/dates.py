"""Dates and times in a line of text, with every reading that a day/month ambiguity allows.

Only spelled forms are read here; which reading is meant is decided over the whole receipt in `purchase_date`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from flows.reading.parser.cldr import month_rows
from flows.reading.parser.folding import as_letters, fold

_MONTH_LANGUAGES = ("en", "de", "fr", "es", "it", "nl", "pt", "fi", "sv", "da", "nb", "id", "ms", "pl")
# Their abbreviations are words of other languages ("sub" is February in Turkish): only with a year of four figures.
_MORE_LANGUAGES = ("cs", "sk", "hu", "ro", "bg", "lt", "lv", "et", "uk", "ru", "be", "el", "tr", "hr", "sl", "he", "th")
LANGUAGES = (*_MONTH_LANGUAGES, *_MORE_LANGUAGES)
EARLIEST_YEAR = 1990
_CENTURY_TURN = 70  # two-digit years from here on are of the last century, as in POSIX
_BUDDHIST_YEARS, _ROC_YEARS = 543, 1911  # ahead of, and behind, the common era (Thailand, Taiwan)
_JAPANESE_ERAS = {"令和": 2018, "平成": 1988, "R": 2018}  # the year before an era's first
# Both separators are the same: item codes such as `13-22/3` and rows of prices are no dates.
_DAY_FIRST = re.compile(
    r"(?:(?<![\d/-])(?<!\d[.,])|(?<=:[0-5]\d)(?=\d\d[./-]\d{1,2}[./-](?:(?:19|20)\d\d|\d\d)(?!\d)))"
    r"(\d{1,2})(?:\s?(?P<sep>[./\-–~|'’])\s?(\d{1,2})\s?(?P=sep)\s?|(?P<gap>\s)(\d{1,2})\s)"
    r"((?:20|19|25)\d\d(?!:\d\d(?!\d|:))|\d\d)(?=\D|\d{1,2}[:.]\d\d|(?<=25\d\d)|$)"
)
# Norway and Denmark: `11/06-2024`, always the day first.
_SLASHED_DAY = re.compile(r"(?<![\d./-])(\d{1,2})/(\d{1,2})\s?-\s?((?:19|20)\d\d|\d\d)(?![\d./-])")
# Figures of a date that OCR read as letters, each part with a figure left: `23/O5/2024`, but not `14.II.2026`.
_PART = r"(?=[OoIl|]*\d)[\dOoIl|]"
_SLIPPED = re.compile(rf"(?<![^\W_]){_PART}{{1,4}}([./-]){_PART}{{1,2}}\1{_PART}{{2,4}}(?![^\W_])")
_SLIPS = str.maketrans("OoIl|", "00111")
_YEAR_FIRST = re.compile(
    r"(?<!\d)((?:20|19|25)\d\d)\s?(?P<sep>[./\-–~年년])\s?(\d{1,2})\s?(?:(?P=sep)|[月월])\s?(\d{1,2})[日일]?(?=\D|\d{2}:|$)"
)
_COMPACT = re.compile(r"(?<!\d)((?:20)\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?!\d)")
_ROC = re.compile(r"(?<![\d./-])(?:民[國国]\s?)?(1[01]\d)\s?(?P<sep>[./\-年])\s?(\d{1,2})\s?[./\-月]\s?(\d{1,2})(?!\d)")
_JAPANESE = re.compile(
    r"(令和|平成|(?<![A-Za-z\d])R)\s?(\d{1,2}|元)\s?(?:年|[./\-])\s?(\d{1,2})\s?(?:月|[./\-])\s?(\d{1,2})(?!\d)"
)
_SHORT_CJK = re.compile(r"(?<!\d)(\d\d)[年년]\s?(\d{1,2})[月월]\s?(\d{1,2})[日일]")
_ROMAN = re.compile(r"(?<!\d)(\d{1,2})[\s.\-/]+(I{1,3}|I?V|VI{1,3}|I?X|XI{1,2})[\s.\-/]+((?:19|20)\d\d)(?!\d)")
_ROMAN_MONTHS = ("I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII")
_MONTH_NAME = r"(?:[^\W\d_]|0(?=[^\W\d_]))[^\W_]{2,11}"
_DAY_MONTH_NAME = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|\.|"
    rf"er)?[\s.\-/,]*(?:de\s+)?({_MONTH_NAME}?)\.?[\s.\-/,']*(?:de[l]?\s+)?(\d{{4}}|\d{{2}}(?![.,]\d))(?!\d\d)"
)
_MONTH_NAME_DAY = re.compile(
    rf"(?<![^\W_])({_MONTH_NAME}?)\.?[\s.\-/]*(\d{{1,2}})(?:st|nd|rd|th)?(?:[\s.,\-/']+(?=\d{{4}})|[\s\-/']+)"
    r"(\d{4}|\d{2})(?![\d.,])"
)
_YEAR_MONTH_NAME = re.compile(
    rf"(?<!\d)((?:20|19)\d\d)\.?\s?(?:m\.\s?)?({_MONTH_NAME}?)\.?\s{{1,2}}(\d{{1,2}})(?!\d|[.,:]\d)"
)
_TIME = re.compile(
    r"(?<![\d:.,])([01]?\d|2[0-4])\s?([:.h])\s?([0-5]\d)(?:\s?[:.]\s?([0-5]\d))?\s?([ap]\.?\s?m\b\.?|uhr\b)?(?!\d)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class DateMention:
    """A date as printed at `start` to `end` of a line. `readings` are the days it may mean, likeliest form first.

    `orders` names each reading's form: `ymd`, `dmy`, `mdy`, `name` (month spelled out), or `roc` and `reiwa`
    (years that only Taiwan's and Japan's receipts count like this).
    """

    readings: tuple[dt.date, ...]
    orders: tuple[str, ...]
    start: int
    end: int
    two_digit_year: bool = False
    uneven: bool = False  # it begins its line with one figure where the next has two, `7.02.`: one may be cut off
    mended: bool = False  # OCR spoiled it: a figure, a month's letter or a separator is guessed

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


@dataclass(frozen=True)
class MonthName:
    """The months that a name may mean: Croatian's October is Polish's November. `short` wants a four-figure year."""

    months: tuple[int, ...]
    short: bool = False


@lru_cache(maxsize=1)
def month_names() -> dict[str, MonthName]:
    """Return month names and abbreviations of all supported languages, folded, from CLDR."""
    extra = {"sept": 9, "juil": 7, "maerz": 3, "mrz": 3, "agu": 8, "okt": 10, "des": 12, "mei": 5}
    names = {name: MonthName((month,)) for name, month in extra.items()}
    for name, month, _ in _cldr_months(_MONTH_LANGUAGES):
        names.setdefault(name, MonthName((month,)))
    more: dict[str, MonthName] = {}
    for name, month, wide in _cldr_months(_MORE_LANGUAGES):
        held = more.get(name)
        months = (month,) if held is None else tuple(dict.fromkeys((*held.months, month)))
        more[name] = MonthName(months, short=not wide if held is None else held.short and not wide)
    for name, meant in more.items():
        held = names.get(name)
        months = tuple(dict.fromkeys((*(held.months if held else ()), *(meant.months if not meant.short else ()))))
        names[name] = MonthName(months, short=False) if held else meant
    return names


def _cldr_months(languages: tuple[str, ...]) -> Iterator[tuple[str, int, bool]]:
    for language in languages:
        for name, number, full in month_rows(language):
            folded = fold(name).rstrip(".")
            if len(folded) >= 3 and folded.isalpha():
                yield folded, number, full


def find_dates(text: str) -> list[DateMention]:
    """Return the dates of one line, without overlaps, left to right."""
    text = _SLIPPED.sub(lambda match: match[0].translate(_SLIPS), text.replace("~", "-"))
    found: list[DateMention] = []
    for reader in (_of_eras, _year_first, _roman, _slashed_day, _day_first, _named, _compact):
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


def _common_era(year: int) -> int:
    return year - _BUDDHIST_YEARS if year >= 2500 else year


def _full_year(text: str) -> int:
    return _common_era(int(text)) if len(text) == 4 else (2000 if int(text) < _CENTURY_TURN else 1900) + int(text)


def _everywhere(pattern: re.Pattern[str], text: str) -> Iterator[re.Match[str]]:
    """Return matches at every position: a run that is no date must not swallow the beginning of one that is."""
    start = 0
    while (match := pattern.search(text, start)) is not None:
        yield match
        start = match.start() + 1


def _whole(match: re.Match[str], text: str) -> bool:
    """Tell whether the figures stand alone rather than inside `1.000.50` or `20.10.5.00`; a time may follow."""
    return not re.match(r"[.,]\d(?!\d?:\d\d)", text[match.end() :])


def _mention(
    match: re.Match[str], readings: list[tuple[str, dt.date | None]], *, short: bool = False
) -> list[DateMention]:
    return _mention_at(match.start(), match.end(), readings, short=short)


def _mention_at(
    start: int, end: int, readings: list[tuple[str, dt.date | None]], *, short: bool = False
) -> list[DateMention]:
    valid = [(order, day) for order, day in readings if day is not None]
    if not valid:
        return []
    orders, days = zip(*valid, strict=True)
    return [DateMention(tuple(days), tuple(orders), start, end, short)]


def numeric_mention(first: int, second: int, year: str, start: int, end: int) -> list[DateMention]:
    """Return the date that two figures and a year as printed, of two or four figures, make; empty if they make none."""
    short, full = len(year) == 2, _full_year(year)
    readings = [("dmy", _day(full, second, first)), ("mdy", _day(full, first, second))]
    if short:
        readings.append(("ymd", _day(_full_year(f"{first:02}"), second, int(year))))
    return _mention_at(start, end, readings, short=short)


def named_mention(day: int, months: tuple[int, ...], year: str, start: int, end: int) -> list[DateMention]:
    """Return the date of a day, the months that its name may mean, and a year as printed; empty if they make none."""
    readings = [("name", _day(_full_year(year), month, day)) for month in months]
    return _mention_at(start, end, readings, short=len(year) == 2)


def _year_first(text: str) -> list[DateMention]:
    return [
        mention
        for match in _everywhere(_YEAR_FIRST, text)
        for mention in _mention(match, [("ymd", _day(_full_year(match[1]), int(match[3]), int(match[4])))])
    ]


def _day_first(text: str) -> list[DateMention]:
    found: list[DateMention] = []
    for match in _everywhere(_DAY_FIRST, text):
        first, second, year = int(match[1]), int(match[3] or match[5]), _full_year(match[6])
        separator, short = match["sep"] or "", len(match[6]) == 2
        if short and (not separator or (separator == "." and not _whole(match, text))):
            continue  # loose numbers and parts of prices are no date
        day_first = _day(year, second, first)
        readings = [("dmy", day_first)]
        if separator != "." or day_first is None:  # with dots the day comes first wherever they are used
            readings.append(("mdy", _day(year, first, second)))
        if short and separator != ".":
            readings.append(("ymd", _day(_full_year(match[1].zfill(2)), second, int(match[6]))))
        uneven = match.start(1) == 0 and len(match[1]) == 1 and (match[3] or match[5])[0] == "0"
        found += [replace(mention, uneven=uneven) for mention in _mention(match, readings, short=short)]
    return found


def _slashed_day(text: str) -> list[DateMention]:
    return [
        mention
        for match in _SLASHED_DAY.finditer(text)
        for mention in _mention(match, [("dmy", _day(_full_year(match[3]), int(match[2]), int(match[1])))])
    ]


def _of_eras(text: str) -> list[DateMention]:
    """Years of Japan's eras and of Taiwan's republic, and two-digit years before a year's sign."""
    found: list[DateMention] = []
    for match in _JAPANESE.finditer(text):
        number = 1 if match[2] == "元" else int(match[2])
        order = "ymd" if "年" in match.group() else "reiwa"
        found += _mention(match, [(order, _day(_JAPANESE_ERAS[match[1]] + number, int(match[3]), int(match[4])))])
    for match in _ROC.finditer(text):
        order = "ymd" if "年" in match.group() else "roc"
        found += _mention(match, [(order, _day(int(match[1]) + _ROC_YEARS, int(match[3]), int(match[4])))])
    for match in _SHORT_CJK.finditer(text):
        found += _mention(match, [("ymd", _day(_full_year(match[1]), int(match[2]), int(match[3])))])
    return found


def _roman(text: str) -> list[DateMention]:
    return [
        mention
        for match in _ROMAN.finditer(text)
        for mention in _mention(
            match, [("name", _day(int(match[3]), _ROMAN_MONTHS.index(match[2]) + 1, int(match[1])))]
        )
    ]


def _compact(text: str) -> list[DateMention]:
    return [
        mention
        for match in _COMPACT.finditer(text)
        for mention in _mention(match, [("ymd", _day(int(match[1]), int(match[2]), int(match[3])))])
    ]


def _named(text: str) -> list[DateMention]:
    found: list[DateMention] = []
    for pattern, day, month, year in (
        (_DAY_MONTH_NAME, 1, 2, 3),
        (_MONTH_NAME_DAY, 2, 1, 3),
        (_YEAR_MONTH_NAME, 3, 2, 1),
    ):
        for match in pattern.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            short = len(match[year]) == 2
            readings = [
                ("name", _day(_full_year(match[year]), each, int(match[day])))
                for each in _months(match[month], short=short)
            ]
            found += _mention(match, list(readings), short=short)
    return found


def _months(name: str, *, short: bool) -> tuple[int, ...]:
    """Return the months of a name as printed, or as OCR slips it: `0ct`, `Ju1`."""
    names = month_names()
    meant = names.get(fold(name)) or names.get(as_letters(fold(name)))
    return () if meant is None or (short and meant.short) else meant.months
