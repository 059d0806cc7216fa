"""A value from outside made a field's: text, number, date, time, code, rate, tags; or refused with how to write it."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.core import get_global

MAX_NOTES = 5000
MAX_TAGS, MAX_TAG = 30, 60
# More than a receipt can cost in any currency, and exact in everything that reads JSON numbers.
_MAX_AMOUNT = Decimal(10) ** 12
# The most that a currency has is 4 (CLF); quantities are weighed to 3.
_MAX_DECIMALS = 4
_FIRST_YEAR = 1970
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_SHOWN_CHARACTERS = 40


class RefusedValueError(ValueError):
    """One value that its field cannot have; the message says how to write it."""


@dataclass(frozen=True, slots=True)
class FieldKind:
    """How one field is written and checked.

    `load` makes the value of its JSON form and raises RefusedValueError with the cure; `check` holds what is given
    today against what can be, and is not asked about what was given before. A `needed` field cannot be nothing.
    """

    load: Callable[[object], Any]
    check: Callable[[Any], None] = lambda _value: None
    needed: bool = False


def shortened(text: object) -> str:
    shown = str(text)[: _SHOWN_CHARACTERS + 1]
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def text_of(longest: int, *, lines: bool = False) -> Callable[[object], str]:
    def load(given: object) -> str:
        if not isinstance(given, str):
            raise RefusedValueError(f"give it as text, not as {type(given).__name__}")
        if len(given) > longest:
            raise RefusedValueError(f"it has {len(given):,} characters; at most {longest:,} are kept")
        text = given.strip() if lines else " ".join(given.split())
        if _CONTROL.search(text.replace("\r\n", "\n")):
            raise RefusedValueError("it holds control characters; give plain text")
        return text

    return load


def load_decimal(given: object) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        raise RefusedValueError(f"give a number such as 19.46, not {type(given).__name__}")
    written = str(given).strip()
    if len(written) > _SHOWN_CHARACTERS:
        raise RefusedValueError(f"{shortened(written)!r} is no amount of a receipt; write it as 19.46")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise RefusedValueError(f"{shortened(written)!r} is no number; write it as 19.46") from None
    if not amount.is_finite() or "_" in written:
        raise RefusedValueError(f"{shortened(written)!r} is no number; write it as 19.46")
    return amount


def check_amount(amount: Decimal) -> None:
    if abs(amount) >= _MAX_AMOUNT:
        raise RefusedValueError(f"{shortened(amount)} is more than a receipt can say; give less than {_MAX_AMOUNT:,}")
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MAX_DECIMALS:
        raise RefusedValueError(f"{shortened(amount)} has more than {_MAX_DECIMALS} decimals")


def load_date(given: object) -> dt.date:
    if isinstance(given, dt.date) and not isinstance(given, dt.datetime):
        return given
    if isinstance(given, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", given.strip()):
        try:
            return dt.date.fromisoformat(given.strip())
        except ValueError:
            raise RefusedValueError(f"there is no day {given.strip()}; write it as 2026-11-20") from None
    raise RefusedValueError(f"{shortened(given)!r} is no date; write it as 2026-11-20")


def check_day(day: dt.date) -> None:
    # A day ahead of UTC is today somewhere.
    latest = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    if not day.year >= _FIRST_YEAR or day > latest:
        raise RefusedValueError(f"{day} cannot be a day of purchase; give one from {_FIRST_YEAR} to {latest}")


def load_time(given: object) -> dt.time:
    if isinstance(given, dt.time):
        return given
    if isinstance(given, str) and re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", given.strip()):
        try:
            return dt.time.fromisoformat(given.strip())
        except ValueError:
            pass
    raise RefusedValueError(f"{shortened(given)!r} is no time; write it as 18:05")


def code_of(known: Callable[[str], bool], example: str, fold: Callable[[str], str] = str.upper) -> FieldKind:
    def load(given: object) -> str:
        if not isinstance(given, str) or len(given) > _SHOWN_CHARACTERS:
            raise RefusedValueError(f"{shortened(given)!r} is none; {example}")
        return fold(given.strip())

    def check(code: str) -> None:
        if not known(code):
            raise RefusedValueError(f"{shortened(code)!r} is none; {example}")

    return FieldKind(load, check)


def is_currency(code: str) -> bool:
    return code in get_global("all_currencies")


def is_country(code: str) -> bool:
    return len(code) == 2 and code in get_global("territory_currencies")


def load_rate(given: object) -> str:
    """What one unit of the receipt's currency is in the owner's own, which is named: another one set later differs."""
    matched = (
        re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?) ?([A-Za-z]{3})", given.strip()) if isinstance(given, str) else None
    )
    if matched is None or not Decimal(matched[1]):
        raise RefusedValueError(f"{shortened(given)!r} is no rate; write it as 0.9412 EUR, with your home currency")
    return f"{Decimal(matched[1]):f} {matched[2].upper()}"


def check_rate(rate: str) -> None:
    if not is_currency(rate[-3:]):
        raise RefusedValueError(f"{rate[-3:]} is no currency; write it as 0.9412 EUR, with your home currency")


def load_tags(given: object) -> list[str]:
    """A list, or text with commas; sorted, each once, since their order says nothing."""
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, list | tuple):
        raise RefusedValueError("give a list of tags, or text with commas between them")
    if len(given) > MAX_TAGS:
        raise RefusedValueError(f"it has {len(given):,} tags; at most {MAX_TAGS} are kept")
    load = text_of(MAX_TAG)
    tags = {tag for tag in map(load, given) if tag}
    if bad := next((tag for tag in tags if "," in tag), None):
        raise RefusedValueError(f"the tag {shortened(bad)!r} has a comma in it; leave it out")
    return sorted(tags)
