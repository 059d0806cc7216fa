"""The date of purchase among all dates on a receipt, its day/month order decided by everything that is printed."""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from flows.reading.parser.dates import DateMention, TimeMention
from flows.reading.parser.folding import fold
from flows.reading.parser.lines import Line

_DATE_LABEL = re.compile(r"\b(?:date|datum|dat[ae]|fecha|data|pvm|paivays|tarikh|tanggal|tgl|dt|uhr|tarih)\b|日付")
_OTHER_DATE = re.compile(
    r"expir|valid|gultig|best before|due date|until|\bbis\b|since|seit|birth|effective|\bw\.?e\.?f|return|"
    r"umtausch|exchange|"
    r"validade|scad|vervalt|caduc|valable|jusqu|promo|offer|member since|ablauf|haltbar|mfg|\bexp\b|contest|win\b|"
    r"redeem|before"
)
_MONTH_FIRST_COUNTRIES = {"US", "PH"}
_YEAR_FIRST_COUNTRIES = {"JP", "CN", "KR", "TW", "SE", "HU", "LT", "CA", "ZA"}
MAX_AGE_YEARS = 25
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


@dataclass
class _Scored:
    day: dt.date
    line: Line
    mention: DateMention
    score: float
    count: int = 1
    orders: set[str] = field(default_factory=set)


def latest_day(moment: dt.datetime) -> dt.date:
    """Return the latest day that it is anywhere at an aware `moment`: no purchase is later."""
    return (moment.astimezone(dt.UTC) + _FURTHEST_EAST).date()


def choose_date(lines: Sequence[Line], *, today: dt.date, country: str | None) -> DateChoice | None:
    """Return the day of purchase, or None when no possible day is printed."""
    mentions = [(line, mention) for line in lines for mention in line.dates]
    order = _order(mentions, today, country)
    scored: dict[dt.date, _Scored] = {}
    for line, mention in mentions:
        for day, form in zip(mention.readings, mention.orders, strict=True):
            if _possible(day, today):
                _add(scored, _Scored(day, line, mention, _score(line, mention, form, order), 1, {form}))
    if not scored:
        return None
    _confirm(scored, lines)
    ranked = sorted(scored.values(), key=lambda each: (-each.score, each.line.index))
    choice = _choice(ranked)
    return replace(choice, in_epoch=_in_epoch(choice.day, lines, country))


def _in_epoch(day: dt.date, lines: Sequence[Line], country: str | None) -> bool:
    """Tell whether the taxes named on the receipt were charged in that country on that day."""
    text = "\n".join(fold(line.raw) for line in lines)
    return all(
        first <= day <= last
        for place, tax, first, last in _TAX_EPOCHS
        if place == country and re.search(rf"\b{tax}\b", text) is not None
    )


def _possible(day: dt.date, today: dt.date) -> bool:
    return day <= today and today.year - day.year <= MAX_AGE_YEARS


def _order(mentions: Sequence[tuple[Line, DateMention]], today: dt.date, country: str | None) -> tuple[str | None, str]:
    """Return the receipt's day/month order and what tells it: another date, the country, or nothing."""
    sure: Counter[str] = Counter()
    whole = {
        mention.readings[0]
        for _, mention in mentions
        if mention.orders[0] in {"ymd", "name"} and not mention.two_digit_year
    }
    for _, mention in mentions:
        possible = [
            (day, form) for day, form in zip(mention.readings, mention.orders, strict=True) if _possible(day, today)
        ]
        forms = {form for _, form in possible if form in {"dmy", "mdy"}}
        if len(forms) == 1:
            sure.update(forms)
        sure.update(form for day, form in possible if day in whole and form in {"dmy", "mdy"} and mention.ambiguous)
    if sure:
        return sure.most_common(1)[0][0], "another date on the receipt"
    if country in _MONTH_FIRST_COUNTRIES:
        return "mdy", f"the country {country}"
    if country:
        return "dmy", f"the country {country}"
    return None, "nothing"


def _score(line: Line, mention: DateMention, form: str, order: tuple[str | None, str]) -> float:
    text = fold(line.raw)
    score = 2.0
    if _DATE_LABEL.search(text):
        score += 1.0
    if line.times:
        score += 1.0
    if _OTHER_DATE.search(text):
        score -= 2.0
    if form in {"dmy", "mdy"} and mention.ambiguous and order[0] is not None:
        score += 0.8 if form == order[0] else -1.5
    elif form == "mdy" and mention.ambiguous:
        score -= 0.3
    if form == "ymd" and mention.two_digit_year:
        score -= 2.0
    return score


def _add(scored: dict[dt.date, _Scored], new: _Scored) -> None:
    old = scored.get(new.day)
    if old is None:
        scored[new.day] = new
        return
    best = old if old.score >= new.score else new
    scored[new.day] = _Scored(
        new.day, best.line, best.mention, best.score + 0.5, old.count + 1, old.orders | new.orders
    )


def _confirm(scored: dict[dt.date, _Scored], lines: Sequence[Line]) -> None:
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


def _choice(ranked: list[_Scored]) -> DateChoice:
    best = ranked[0]
    rival = next((each for each in ranked[1:] if best.score - each.score < _CLEAR_LEAD), None)
    text = fold(best.line.raw)
    return DateChoice(
        day=best.day,
        line=best.line,
        mention=best.mention,
        times_printed=best.count,
        labelled=_DATE_LABEL.search(text) is not None,
        time_beside=bool(best.line.times),
        rival=rival.day if rival else None,
        lead=best.score - rival.score if rival else _CLEAR_LEAD,
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
