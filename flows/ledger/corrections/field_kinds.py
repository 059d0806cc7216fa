"""The fields that a person may correct, and what each may be set to: values from outside are parsed here or refused.

`FIELDS` and `LINE_FIELDS` are the registry: one row makes a field correctable by every way in. A field's name is its
column's; a line's field is `line_items/<position from 1>/<name>`, and `line_items` is the whole list.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from babel.core import get_global

from flows.domain.errors import ReceiptflowError

LINES = "line_items"
MAX_LINES = 500
MAX_NAME, MAX_NOTES = 200, 5000
MAX_TAGS, MAX_TAG = 30, 60
# More than a receipt can cost in any currency, and exact in everything that reads JSON numbers.
_MAX_AMOUNT = Decimal(10) ** 12
# The most that a currency has is 4 (CLF); quantities are weighed to 3.
_MAX_DECIMALS = 4
_FIRST_YEAR = 1970
_PAYMENT_METHODS = ("cash", "card", "voucher", "mobile", "transfer", "cheque", "other")
_LINE_FIELD = re.compile(rf"{LINES}/([1-9][0-9]{{0,3}})/([a-z_]+)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\ud800-\udfff]")
_SHOWN_CHARACTERS = 40


class InvalidValuesError(ReceiptflowError):
    """Values that fields cannot have. `problems` says by field what is wrong and how to write it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in self.problems.items()))


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


def parse_values(given: Mapping[str, object]) -> dict[str, Any]:
    """What a person gave for some fields, as values: nothing (None) where the field is to be empty.

    Raises:
        InvalidValuesError: With everything that is wrong, by field.
    """
    values, problems = {}, {}
    for field, value in given.items():
        try:
            values[field] = _parsed(field, value)
        except ValueError as error:
            problems[_shortened(field)] = str(error)
    if problems:
        raise InvalidValuesError(problems)
    return values


def loaded(field: str, stored: object) -> Any:
    """The value that `plain` made JSON of."""
    return None if stored is None else _kind_of(field).load(stored)


def plain(value: object) -> Any:
    """A field's value as JSON: amounts and dates as exact text."""
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items()}
    return value if value is None or isinstance(value, str | int) else str(value)


def line_field(field: str) -> tuple[int, str] | None:
    """The position and name of one line's field; None for any other."""
    matched = _LINE_FIELD.fullmatch(field)
    return (int(matched[1]), matched[2]) if matched else None


def _parsed(field: str, given: object) -> Any:
    kind = _kind_of(field)
    if isinstance(given, str) and not given.strip():
        given = None
    if given is None:
        if kind.needed:
            raise RefusedValueError("it cannot be empty; give its value")
        return None
    value = kind.load(given)
    kind.check(value)
    return value


def _kind_of(field: str) -> FieldKind:
    line = line_field(field)
    kind = LINE_FIELDS.get(line[1]) if line else FIELDS.get(field)
    if kind is None:
        known = ", ".join([*FIELDS, *(f"{LINES}/1/{name}" for name in LINE_FIELDS)])
        raise RefusedValueError(f"there is no such field to correct; these are: {known}")
    return kind


def _shortened(text: object) -> str:
    shown = str(text)[: _SHOWN_CHARACTERS + 1]
    return shown if len(shown) <= _SHOWN_CHARACTERS else f"{shown[:_SHOWN_CHARACTERS]}…"


def _text(longest: int, *, lines: bool = False) -> Callable[[object], str]:
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


def _decimal(given: object) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        raise RefusedValueError(f"give a number such as 19.46, not {type(given).__name__}")
    written = str(given).strip()
    if len(written) > _SHOWN_CHARACTERS:
        raise RefusedValueError(f"{_shortened(written)!r} is no amount of a receipt; write it as 19.46")
    try:
        amount = Decimal(written)
    except InvalidOperation:
        raise RefusedValueError(f"{_shortened(written)!r} is no number; write it as 19.46") from None
    if not amount.is_finite() or "_" in written:
        raise RefusedValueError(f"{_shortened(written)!r} is no number; write it as 19.46")
    return amount


def _amount_that_can_be(amount: Decimal) -> None:
    if abs(amount) >= _MAX_AMOUNT:
        raise RefusedValueError(f"{_shortened(amount)} is more than a receipt can say; give less than {_MAX_AMOUNT:,}")
    exponent = amount.normalize().as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MAX_DECIMALS:
        raise RefusedValueError(f"{_shortened(amount)} has more than {_MAX_DECIMALS} decimals")


def _date(given: object) -> dt.date:
    if isinstance(given, dt.date) and not isinstance(given, dt.datetime):
        return given
    if isinstance(given, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", given.strip()):
        try:
            return dt.date.fromisoformat(given.strip())
        except ValueError:
            raise RefusedValueError(f"there is no day {given.strip()}; write it as 2026-11-20") from None
    raise RefusedValueError(f"{_shortened(given)!r} is no date; write it as 2026-11-20")


def _day_that_can_be(day: dt.date) -> None:
    # A day ahead of UTC is today somewhere.
    latest = dt.datetime.now(dt.UTC).date() + dt.timedelta(days=1)
    if not day.year >= _FIRST_YEAR or day > latest:
        raise RefusedValueError(f"{day} cannot be a day of purchase; give one from {_FIRST_YEAR} to {latest}")


def _time(given: object) -> dt.time:
    if isinstance(given, dt.time):
        return given
    if isinstance(given, str) and re.fullmatch(r"\d{2}:\d{2}(:\d{2})?", given.strip()):
        try:
            return dt.time.fromisoformat(given.strip())
        except ValueError:
            pass
    raise RefusedValueError(f"{_shortened(given)!r} is no time; write it as 18:05")


def _code(known: Callable[[str], bool], example: str, fold: Callable[[str], str] = str.upper) -> FieldKind:
    def load(given: object) -> str:
        if not isinstance(given, str) or len(given) > _SHOWN_CHARACTERS:
            raise RefusedValueError(f"{_shortened(given)!r} is none; {example}")
        return fold(given.strip())

    def check(code: str) -> None:
        if not known(code):
            raise RefusedValueError(f"{_shortened(code)!r} is none; {example}")

    return FieldKind(load, check)


def _is_currency(code: str) -> bool:
    return code in get_global("all_currencies")


def _is_country(code: str) -> bool:
    return len(code) == 2 and code in get_global("territory_currencies")


def _lines(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list | tuple):
        raise RefusedValueError("give a list of lines, each with a description")
    if len(given) > MAX_LINES:
        raise RefusedValueError(f"it has {len(given):,} lines; at most {MAX_LINES} are kept")
    return [_line(line, position) for position, line in enumerate(given, start=1)]


def _line(given: object, position: int) -> dict[str, Any]:
    if not isinstance(given, Mapping) or given.get("description") is None:
        raise RefusedValueError(
            f"line {position} needs a description, as in {{'description': 'Brot', 'total': '4.50'}}"
        )
    if unknown := sorted(str(name) for name in given if name not in LINE_FIELDS):
        raise RefusedValueError(f"line {position} has {_shortened(unknown[0])!r}; a line has {', '.join(LINE_FIELDS)}")
    line = {}
    for name, kind in LINE_FIELDS.items():
        value = given.get(name)
        try:
            line[name] = None if value is None else kind.load(value)
            if value is not None:
                kind.check(line[name])
        except ValueError as error:
            raise RefusedValueError(f"line {position}, {name}: {error}") from None
    return line


def _exchange_rate(given: object) -> str:
    """What one unit of the receipt's currency is in the owner's own, which is named: another one set later differs."""
    matched = (
        re.fullmatch(r"(\d{1,12}(?:\.\d{1,12})?) ?([A-Za-z]{3})", given.strip()) if isinstance(given, str) else None
    )
    if matched is None or not Decimal(matched[1]):
        raise RefusedValueError(f"{_shortened(given)!r} is no rate; write it as 0.9412 EUR, with your home currency")
    return f"{Decimal(matched[1]):f} {matched[2].upper()}"


def _rate_that_can_be(rate: str) -> None:
    if not _is_currency(rate[-3:]):
        raise RefusedValueError(f"{rate[-3:]} is no currency; write it as 0.9412 EUR, with your home currency")


def _tags(given: object) -> list[str]:
    """A list, or text with commas; sorted, each once, since their order says nothing."""
    if isinstance(given, str):
        given = given.split(",")
    if not isinstance(given, list | tuple):
        raise RefusedValueError("give a list of tags, or text with commas between them")
    if len(given) > MAX_TAGS:
        raise RefusedValueError(f"it has {len(given):,} tags; at most {MAX_TAGS} are kept")
    load = _text(MAX_TAG)
    tags = {tag for tag in map(load, given) if tag}
    if bad := next((tag for tag in tags if "," in tag), None):
        raise RefusedValueError(f"the tag {_shortened(bad)!r} has a comma in it; leave it out")
    return sorted(tags)


_MONEY = FieldKind(_decimal, _amount_that_can_be)

LINE_FIELDS: dict[str, FieldKind] = {
    "description": FieldKind(_text(MAX_NAME), needed=True),
    "quantity": _MONEY,
    "unit_price": _MONEY,
    "discount": _MONEY,
    "total": _MONEY,
    "category": FieldKind(_text(MAX_NAME)),
}
FIELDS: dict[str, FieldKind] = {
    "merchant": FieldKind(_text(MAX_NAME)),
    "purchase_date": FieldKind(_date, _day_that_can_be),
    "purchase_time": FieldKind(_time),
    "total": FieldKind(_decimal, _amount_that_can_be, needed=True),
    "subtotal": _MONEY,
    "tax": _MONEY,
    "tip": _MONEY,
    "rounding": _MONEY,
    "currency": _code(_is_currency, "give a code of ISO 4217 such as EUR"),
    "country": _code(_is_country, "give a code of ISO 3166 such as DE"),
    "receipt_number": FieldKind(_text(MAX_NAME)),
    "payment_method": _code(
        _PAYMENT_METHODS.__contains__, f"give one of {', '.join(_PAYMENT_METHODS)}", fold=str.lower
    ),
    "notes": FieldKind(_text(MAX_NOTES, lines=True)),
    "category": FieldKind(_text(MAX_NAME)),
    "tags": FieldKind(_tags),
    "exchange_rate": FieldKind(_exchange_rate, _rate_that_can_be),
    LINES: FieldKind(_lines),
}
