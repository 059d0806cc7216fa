"""What is booked: the values that were read, with a person's corrections laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flows.ledger.corrections.field_kinds import LINES, TABLES, TAXES, row_field
from flows.ledger.expenses import ExpenseValues


def overlaid(read: ExpenseValues, corrections: Mapping[str, Any]) -> ExpenseValues:
    """The read values with corrections in their place; `corrections` are values by field, whole lists first."""
    columns = read.columns | {field: corrections[field] for field in read.columns if field in corrections}
    lines, taxes = _rows(read, LINES, corrections), _rows(read, TAXES, corrections)
    return replace(read, columns=columns, line_items=lines, taxes=taxes)


def _rows(read: ExpenseValues, table: str, corrections: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    rows = corrections[table] or () if table in corrections else getattr(read, table)
    rows = [dict(row) for row in rows]
    for field, value in corrections.items():
        place = row_field(field)
        if place and place.table == table and place.position <= len(rows):
            rows[place.position - 1][place.name] = value
    return tuple(rows)


def value_of(values: ExpenseValues, field: str) -> Any:
    """What stands in a field, named as in a correction; None also where there is no such row."""
    if field in TABLES:
        return [dict(row) for row in getattr(values, field)]
    place = row_field(field)
    if place is None:
        return values.columns.get(field)
    rows = getattr(values, place.table)
    return rows[place.position - 1].get(place.name) if place.position <= len(rows) else None
