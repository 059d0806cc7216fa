"""What is booked: the values that were read, with a person's corrections laid over them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flows.ledger.corrections.field_kinds import LINES, line_field
from flows.ledger.expenses import ExpenseValues


def overlaid(read: ExpenseValues, corrections: Mapping[str, Any]) -> ExpenseValues:
    """The read values with corrections in their place; `corrections` are values by field, the whole list first."""
    columns = read.columns | {field: corrections[field] for field in read.columns if field in corrections}
    lines = [dict(line) for line in read.line_items]
    if LINES in corrections:
        lines = [dict(line) for line in corrections[LINES] or ()]
    for field, value in corrections.items():
        place = line_field(field)
        if place and place[0] <= len(lines):
            lines[place[0] - 1][place[1]] = value
    return replace(read, columns=columns, line_items=tuple(lines))


def value_of(values: ExpenseValues, field: str) -> Any:
    """What stands in a field, named as in a correction; None also where there is no such line."""
    if field == LINES:
        return [dict(line) for line in values.line_items]
    place = line_field(field)
    if place is None:
        return values.columns.get(field)
    position, name = place
    return values.line_items[position - 1].get(name) if position <= len(values.line_items) else None
