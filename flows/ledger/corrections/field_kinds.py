"""The fields that a person may correct, and what each may be set to: values from outside are parsed here or refused.

`FIELDS`, `LINE_FIELDS` and `TAX_FIELDS` are the registry: one row makes a field correctable by every way in. A field's
name is its column's; that of a line is `line_items/<position from 1>/<name>`, that of a row of taxes `taxes/1/<name>`,
and `line_items` and `taxes` are the whole lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from flows.domain.errors import ReceiptflowError
from flows.ledger.corrections.loading import (
    MAX_NOTES,
    FieldKind,
    RefusedValueError,
    check_amount,
    check_day,
    check_rate,
    code_of,
    is_country,
    is_currency,
    load_date,
    load_decimal,
    load_rate,
    load_tags,
    load_time,
    shortened,
    text_of,
)

LINES, TAXES = "line_items", "taxes"
MAX_LINES, MAX_TAX_ROWS = 500, 50
MAX_NAME = 200
_PAYMENT_METHODS = ("cash", "card", "voucher", "mobile", "transfer", "cheque", "other")
_ROW_FIELD = re.compile(rf"({LINES}|{TAXES})/([1-9][0-9]{{0,3}})/([a-z_]+)")


class RowField(NamedTuple):
    """One field of one row of a list; `position` counts from 1."""

    table: str
    position: int
    name: str


class InvalidValuesError(ReceiptflowError):
    """Values that fields cannot have. `problems` says by field what is wrong and how to write it."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        self.problems = dict(problems)
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in self.problems.items()))


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
            problems[shortened(field)] = str(error)
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


def row_field(field: str) -> RowField | None:
    """Which field of which row, as in `line_items/3/total` or `taxes/1/rate`; None for any other."""
    matched = _ROW_FIELD.fullmatch(field)
    return RowField(matched[1], int(matched[2]), matched[3]) if matched else None


def line_field(field: str) -> tuple[int, str] | None:
    """The position and name of one line's field; None for any other."""
    row = row_field(field)
    return (row.position, row.name) if row and row.table == LINES else None


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
    row = row_field(field)
    kind = TABLES[row.table].get(row.name) if row else FIELDS.get(field)
    if kind is None:
        known = ", ".join([*FIELDS, *(f"{table}/1/{name}" for table, kinds in TABLES.items() for name in kinds)])
        raise RefusedValueError(f"there is no such field to correct; these are: {known}")
    return kind


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
    return _row(given, position, "line", LINE_FIELDS)


def _tax_rows(given: object) -> list[dict[str, Any]]:
    if not isinstance(given, list | tuple):
        raise RefusedValueError("give a list of tax rows, each with its rate, net or amount")
    if len(given) > MAX_TAX_ROWS:
        raise RefusedValueError(f"it has {len(given):,} rows; at most {MAX_TAX_ROWS} are kept")
    return [_tax_row(row, position) for position, row in enumerate(given, start=1)]


def _tax_row(given: object, position: int) -> dict[str, Any]:
    if not isinstance(given, Mapping) or all(given.get(name) is None for name in TAX_FIELDS):
        raise RefusedValueError(
            f"row {position} needs a rate, net or amount, as in {{'rate': '19', 'net': '10.00', 'amount': '1.90'}}"
        )
    return _row(given, position, "row", TAX_FIELDS)


def _row(given: Mapping[Any, Any], position: int, word: str, kinds: Mapping[str, FieldKind]) -> dict[str, Any]:
    if unknown := sorted(str(name) for name in given if name not in kinds):
        raise RefusedValueError(f"{word} {position} has {shortened(unknown[0])!r}; a {word} has {', '.join(kinds)}")
    row = {}
    for name, kind in kinds.items():
        value = given.get(name)
        try:
            row[name] = None if value is None else kind.load(value)
            if value is not None:
                kind.check(row[name])
        except ValueError as error:
            raise RefusedValueError(f"{word} {position}, {name}: {error}") from None
    return row


_MONEY = FieldKind(load_decimal, check_amount)

LINE_FIELDS: dict[str, FieldKind] = {
    "description": FieldKind(text_of(MAX_NAME), needed=True),
    "quantity": _MONEY,
    "unit_price": _MONEY,
    "discount": _MONEY,
    "total": _MONEY,
    "category": FieldKind(text_of(MAX_NAME)),
}
TAX_FIELDS: dict[str, FieldKind] = {"rate": _MONEY, "net": _MONEY, "amount": _MONEY}
# The lists whose rows have fields of their own.
TABLES: dict[str, dict[str, FieldKind]] = {LINES: LINE_FIELDS, TAXES: TAX_FIELDS}
FIELDS: dict[str, FieldKind] = {
    "merchant": FieldKind(text_of(MAX_NAME)),
    "purchase_date": FieldKind(load_date, check_day),
    "purchase_time": FieldKind(load_time),
    "total": FieldKind(load_decimal, check_amount, needed=True),
    "subtotal": _MONEY,
    "tax": _MONEY,
    "tip": _MONEY,
    "rounding": _MONEY,
    "currency": code_of(is_currency, "give a code of ISO 4217 such as EUR"),
    "country": code_of(is_country, "give a code of ISO 3166 such as DE"),
    "receipt_number": FieldKind(text_of(MAX_NAME)),
    "payment_method": code_of(
        _PAYMENT_METHODS.__contains__, f"give one of {', '.join(_PAYMENT_METHODS)}", fold=str.lower
    ),
    "notes": FieldKind(text_of(MAX_NOTES, lines=True)),
    "category": FieldKind(text_of(MAX_NAME)),
    "tags": FieldKind(load_tags),
    "exchange_rate": FieldKind(load_rate, check_rate),
    LINES: FieldKind(_lines),
    TAXES: FieldKind(_tax_rows),
}
