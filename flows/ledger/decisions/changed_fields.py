"""Which corrections a person's values amount to: what is corrected so already needs no row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flows.ledger.corrections import LINES, InvalidValuesError, overlaid, row_field, value_of
from flows.ledger.decisions.case import Case
from flows.ledger.decisions.given_categories import with_known_categories


def changed_fields(case: Case, part: int, given: Mapping[str, Any], ended: Collection[str] = ()) -> dict[str, Any]:
    """The values that are not corrected so already, whole lists before their rows.

    Corrections of the fields `ended` are taken back by the same decision and do not count; with a list go those of its
    rows.

    The first correction of a single row (a line, a row of taxes) keeps the list as it is now: a later reading that
    finds other rows would otherwise put the correction beside another thing.

    Raises:
        InvalidValuesError: There is no such row, or no such category.
    """
    given = with_known_categories(given, case.receipt.owner, session=case.session)
    gone = {field for field in case.standing().values(part) if field in ended or _table_of(field) in ended}
    corrected = {field: value for field, value in case.standing().values(part).items() if field not in gone}
    fresh = {field: value for field, value in given.items() if field not in corrected or corrected[field] != value}
    # A whole list ends the corrections of its rows that there are.
    fresh |= {field: value for field, value in given.items() if _table_of(field) in fresh}
    single = {field: value for field, value in fresh.items() if row_field(field)}
    if not single:
        return fresh
    booked = overlaid(case.read(), corrected)
    pinned = {}
    for table in sorted({place.table for field in single if (place := row_field(field))}):
        rows = given.get(table, value_of(booked, table)) or []
        _refuse_unknown_rows(table, single, len(rows))
        if table not in corrected and table not in fresh:
            pinned[table] = rows
    whole = {field: value for field, value in fresh.items() if field not in single}
    return pinned | whole | single


def ended_fields(case: Case, part: int, fields: Sequence[str]) -> list[str]:
    """Those of the fields whose correction counts and is to end; single rows end with the list that they are of."""
    standing = case.standing().values(part)
    return [field for field in dict.fromkeys(fields) if field in standing]


def _table_of(field: str) -> str | None:
    place = row_field(field)
    return place.table if place else None


def _refuse_unknown_rows(table: str, single: Mapping[str, Any], rows: int) -> None:
    named = [(field, place) for field in single if (place := row_field(field)) and place.table == table]
    unknown = [field for field, place in named if place.position > rows]
    if unknown:
        row = "line" if table == LINES else "row"
        known = f"it has {rows} {row}s; add one with the whole list `{table}`"
        raise InvalidValuesError(dict.fromkeys(unknown, f"there is no such {row}: {known}"))
