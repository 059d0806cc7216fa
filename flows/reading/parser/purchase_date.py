"""The date of purchase among all dates on a receipt, its day/month order decided by everything that is printed."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any

from flows.reading.parser.dates import DateMention, TimeMention, find_times
from flows.reading.parser.folding import fold
from flows.reading.parser.lines import Line
from flows.reading.parser.mended_dates import mended_dates

_MOST_WORDS_BETWEEN, _MOST_CHARACTERS_BETWEEN = 4, 32  # from a word for another date to the date itself
_MAX_HEADING_CHARACTERS = 40
_MIN_BOOKINGS = 3  # lines of a list of charges, each with its day
# The maker of the till and its permit, with their days, in the foot of every receipt of the Philippines.
_ACCREDITED = re.compile(r"\baccred|\bpos (?:provider|supplier)|\bpermit to use")
_MOST_LINES_ACCREDITED = 4
_VERSION = re.compile(r"(?<!\d)\d\.\d\.\d{2}(?!\d)")  # behind a date: of the till's program
_INVOICE = re.compile(r"rechnung|invoice|faktur|factur|fattura|facture")
_MONTH_FIRST_COUNTRIES = {"US", "PH"}
_EITHER_ORDER_COUNTRIES = {"CA"}
_MONTH_FIRST_CURRENCIES = {"USD", "PHP"}
_EITHER_ORDER_CURRENCIES = {"CAD"}
_YEAR_FIRST_COUNTRIES = {"JP", "CN", "KR", "TW", "SE", "HU", "LT", "CA", "ZA"}
# Where short years stand first as well: a date of theirs is never day first.
_ONLY_YEAR_FIRST_COUNTRIES = {"JP", "CN", "KR", "TW", "SE", "HU", "LT"}
_ERA_COUNTRIES = {"roc": "TW", "reiwa": "JP"}
MAX_AGE_YEARS = 25
_TABLE: dict[str, Any] = json.loads(files("flows.reading.parser").joinpath("dates.json").read_text(encoding="utf-8"))
# Taxes that were charged for a time only; till rolls keep a tax's name for some months after its end.
_TAX_EPOCHS = (
    ("MY", "gst", dt.date(2015, 4, 1), dt.date(2019, 6, 30)),  # GST Act 2014, repealed from 2018-09-01
    ("IN", "[cs]gst", dt.date(2017, 7, 1), dt.date.max),
    ("AU", "gst", dt.date(2000, 7, 1), dt.date.max),
    ("PL", "nip", dt.date(1996, 1, 1), dt.date.max),
)
_FURTHEST_EAST = dt.timedelta(hours=14)  # Kiribati's time zone
_CLEAR_LEAD = 1.0  # points of evidence


@dataclass(frozen=True)
class DateChoice:
    """The chosen day with its place. `rival` is another day that fits nearly as well, `lead` how much worse."""

    day: dt.date
    line: Line
    mention: DateMention
    times_printed: int
    labelled: bool
    time_beside: bool
    rival: dt.date | None = None
    lead: float = 0.0
    in_epoch: bool = True  # the tax that the receipt names was charged on that day
    settled: bool = False  # something tells the order of day and month
    others: tuple[ScoredDay, ...] = ()  # the other days that were weighed, best first


@dataclass
class ScoredDay:
    """A day that may be that of purchase, where it is printed best, and what speaks for it in points."""

    day: dt.date
    line: Line
    mention: DateMention
    score: float
    count: int = 1
    orders: set[str] = field(default_factory=set)


def latest_day(moment: dt.datetime) -> dt.date:
    """Return the latest day that it is anywhere at an aware `moment`: no purchase is later."""
    return (moment.astimezone(dt.UTC) + _FURTHEST_EAST).date()


def choose_date(
    lines: Sequence[Line],
    *,
    today: dt.date,
    country: str | None,
    currency: str | None = None,
    script: str | None = None,
) -> DateChoice | None:
    """Return the day of purchase, or None when no possible day is printed that may be one.

    Args:
        currency: the receipt's, which tells the order of day and month where the country is not known.
        script: one beside the Latin one; nobody who writes in such puts the month first.
    """
    whole = [
        (line, mention)
        for line in lines
        for mention in line.dates
        if not is_other_date(lines, line, mention)
        and not (mention is not line.dates[0] and _VERSION.fullmatch(line.raw[mention.start : mention.end]))
        and _ERA_COUNTRIES.get(mention.orders[0], country) == country
    ]
    scored, settled = _scored(_without_bookings(whole), today, country, currency, script)
    if not scored:
        mended = [
            (line, mention)
            for line in lines
            if not line.dates
            for mention in mended_dates(line.raw)
            if not is_other_date(lines, line, mention)
        ]
        scored, settled = _scored(mended, today, country, currency, script)
    if not scored:
        return None
    _confirm(scored, lines)
    ranked = sorted(scored.values(), key=lambda each: (-each.score, each.line.index))
    choice = _choice(ranked)
    return replace(choice, in_epoch=in_epoch(choice.day, lines, country), settled=settled)


def _without_bookings(mentions: list[tuple[Line, DateMention]]) -> list[tuple[Line, DateMention]]:
    """Leave out the days of a list of charges, as a hotel's folio has it, where another date is printed too."""
    listed = [
        (line, mention)
        for line, mention in mentions
        if not line.row.text[: mention.start].strip() and any(not money.from_above for money in line.money)
    ]
    if len(listed) < _MIN_BOOKINGS or len({mention.readings[0] for _, mention in listed}) < 2:
        return mentions
    return [each for each in mentions if each not in listed] or mentions


def _scored(
    mentions: Sequence[tuple[Line, DateMention]],
    today: dt.date,
    country: str | None,
    currency: str | None,
    script: str | None,
) -> tuple[dict[dt.date, ScoredDay], bool]:
    """Return what speaks for each possible day, and whether something tells the order of day and month."""
    order = day_order(mentions, today, country, currency, script)
    plain = {mention.readings[0] for _, mention in mentions if not (mention.ambiguous or mention.two_digit_year)}
    scored: dict[dt.date, ScoredDay] = {}
    for line, mention in mentions:
        meant = plain.intersection(mention.readings)  # `19/08/03` beside `03 AUG 2019`
        # 06/06 is one day in either order, and printed once.
        for day, form in dict(zip(reversed(mention.readings), reversed(mention.orders), strict=True)).items():
            if is_possible_day(day, today) and (not meant or day in meant):
                _add(scored, ScoredDay(day, line, mention, _score(line, mention, form, order, country), 1, {form}))
    return scored, order[0] is not None


def is_other_date(lines: Sequence[Line], line: Line, mention: DateMention) -> bool:
    """Tell whether a date is named as another than that of the purchase: an expiry, a warranty, a flight, a birthday.

    The word stands before the date on its line, or on the line above where nothing else does.
    """
    start = max((other.end for other in line.dates if other.end <= mention.start), default=0)
    before = line.raw[start : mention.start]
    if any(
        _ACCREDITED.search(fold(each.raw)) for each in lines[max(0, line.index - _MOST_LINES_ACCREDITED) : line.index]
    ):
        return True
    has_word = re.search(r"[^\W\d_]{4}", before) or _words("other").search(fold(before))  # a weekday is none
    if not has_word and start == 0 and line.index > 0:
        above = next((each for each in lines if each.index == line.index - 1), None)
        if above is None or not _may_head(above) or (line.times and not above.raw.rstrip().endswith(":")):
            return False
        before = above.raw
    folded = fold(before)
    found = list(_words("other").finditer(folded))
    if not found or _INVOICE.search(folded):
        return False
    between = folded[found[-1].end() :]
    if "uhr" in between or find_times(between):
        return False  # opening hours
    return len(between) <= _MOST_CHARACTERS_BETWEEN and len(between.split()) <= _MOST_WORDS_BETWEEN


def _may_head(line: Line) -> bool:
    sentence = line.raw.rstrip().endswith((".", "!"))
    return not (line.money or line.dates or sentence or len(line.raw) > _MAX_HEADING_CHARACTERS)


@lru_cache(maxsize=2)
def _words(kind: str) -> re.Pattern[str]:
    """Return a pattern of the words for purchase dates, or of those for other dates, of all languages."""
    listed = _TABLE[kind] if kind == "purchase" else [word for found in _TABLE[kind].values() for word in found]
    return re.compile("|".join(_word(fold(word)) for word in sorted(set(listed), key=len, reverse=True)))


def _word(word: str) -> str:
    """Words begin where a word begins; short ones end with it too. Scripts without spaces have them anywhere."""
    if ord(word[0]) > 0x0E00:
        return re.escape(word)
    end = r"(?![^\W\d_])" if len(word.strip()) <= 4 and word[-1].isalpha() else ""
    return rf"(?<![^\W\d_]){re.escape(word)}{end}"


def in_epoch(day: dt.date, lines: Sequence[Line], country: str | None) -> bool:
    """Tell whether the taxes named on the receipt were charged in that country on that day."""
    text = "\n".join(fold(line.raw) for line in lines)
    return all(
        first <= day <= last
        for place, tax, first, last in _TAX_EPOCHS
        if place == country and re.search(rf"\b{tax}\b", text) is not None
    )


def is_possible_day(day: dt.date, today: dt.date) -> bool:
    """Tell whether a purchase may have been made on that day: not later than `today`, nor a generation ago."""
    return day <= today and today.year - day.year <= MAX_AGE_YEARS


def day_order(
    mentions: Sequence[tuple[Line, DateMention]],
    today: dt.date,
    country: str | None,
    currency: str | None,
    script: str | None = None,
) -> tuple[str | None, str]:
    """Return the receipt's day/month order (`dmy`, `mdy`; None if nothing tells it) and what tells it."""
    sure: Counter[str] = Counter()
    whole = {
        mention.readings[0]
        for _, mention in mentions
        if mention.orders[0] in {"ymd", "name"} and not mention.two_digit_year
    }
    for _, mention in mentions:
        possible = [
            (day, form)
            for day, form in zip(mention.readings, mention.orders, strict=True)
            if is_possible_day(day, today)
        ]
        forms = {form for _, form in possible if form in {"dmy", "mdy"}}
        if len(forms) == 1:
            sure.update(forms)
        sure.update(form for day, form in possible if day in whole and form in {"dmy", "mdy"} and mention.ambiguous)
    if sure:
        return sure.most_common(1)[0][0], "another date on the receipt"
    if country in _EITHER_ORDER_COUNTRIES or (country is None and currency in _EITHER_ORDER_CURRENCIES):
        return None, "nothing"
    if country in _MONTH_FIRST_COUNTRIES or (country is None and currency in _MONTH_FIRST_CURRENCIES):
        return "mdy", f"the country {country}"
    if country or currency:
        return "dmy", f"the country {country}"
    if script:
        return "dmy", f"the script {script}"
    return None, "nothing"


def _score(line: Line, mention: DateMention, form: str, order: tuple[str | None, str], country: str | None) -> float:
    text = fold(line.raw)
    score = 2.0
    if _words("purchase").search(text):
        score += 1.0
    if line.times:
        score += 1.0
    if _words("other").search(text):
        score -= 1.0
    year_first = "ymd" in mention.orders and mention.two_digit_year and country in _ONLY_YEAR_FIRST_COUNTRIES
    if form in {"dmy", "mdy"} and mention.ambiguous and year_first:
        score -= 1.5
    elif form in {"dmy", "mdy"} and mention.ambiguous and order[0] is not None:
        score += 0.8 if form == order[0] else -1.5
    elif form == "mdy" and mention.ambiguous:
        score -= 0.3
    if form == "ymd" and mention.two_digit_year and mention.ambiguous:
        score -= 0.0 if country in _YEAR_FIRST_COUNTRIES else 2.0
    return score


def _add(scored: dict[dt.date, ScoredDay], new: ScoredDay) -> None:
    old = scored.get(new.day)
    if old is None:
        scored[new.day] = new
        return
    best = old if old.score >= new.score else new
    scored[new.day] = ScoredDay(
        new.day, best.line, best.mention, best.score + 0.5, old.count + 1, old.orders | new.orders
    )


def _confirm(scored: dict[dt.date, ScoredDay], lines: Sequence[Line]) -> None:
    """Count a day once more where a receipt or transaction number spells it: `2018061010100170023`."""
    runs = [digits for line in lines for digits in re.findall(r"\d{8,}", line.text)]
    for day, each in scored.items():
        spelled = (f"{day:%Y%m%d}", f"{day:%d%m%Y}", f"{day:%d%m%y}")
        loose = f"{day:%y%m%d}"
        if any(form in digits for digits in runs for form in spelled) or any(
            digits.startswith(loose) for digits in runs
        ):
            each.score += 0.8
            each.count += 1


def _choice(ranked: list[ScoredDay]) -> DateChoice:
    best = ranked[0]
    rival = next((each for each in ranked[1:] if best.score - each.score < _CLEAR_LEAD), None)
    text = fold(best.line.raw)
    return DateChoice(
        day=best.day,
        line=best.line,
        mention=best.mention,
        times_printed=best.count,
        labelled=_words("purchase").search(text) is not None,
        time_beside=bool(best.line.times),
        rival=rival.day if rival else None,
        lead=best.score - rival.score if rival else _CLEAR_LEAD,
        others=tuple(ranked[1:]),
    )


def choose_time(lines: Sequence[Line], date: DateChoice | None) -> tuple[Line, TimeMention] | None:
    """Return the time of purchase: the one nearest to the date's line, a certain one before an uncertain one."""
    found = [
        (line, time)
        for line in lines
        for time in line.times
        if time.certain or (date is not None and line is date.line)
    ]
    if not found:
        return None
    anchor = date.line.index if date is not None else 0
    return min(found, key=lambda pair: (not pair[1].certain, abs(pair[0].index - anchor), pair[1].start))
