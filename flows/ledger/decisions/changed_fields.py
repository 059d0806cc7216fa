"""Which corrections a person's values amount to: what is corrected so already needs no row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from flows.ledger.corrections import LINES, InvalidValuesError, line_field, overlaid, value_of
from flows.ledger.decisions.case import Case
from flows.ledger.decisions.given_categories import with_known_categories


def changed_fields(case: Case, part: int, given: Mapping[str, Any], ended: Collection[str] = ()) -> dict[str, Any]:
    """The values that are not corrected so already, whole lists before single lines.

    Corrections of the fields `ended` are taken back by the same decision and do not count; with a list of lines go
    those of its lines.

    The first correction of a single line keeps the list of lines as it is now: a later reading that finds other lines
    would otherwise put the correction beside another thing.

    Raises:
        InvalidValuesError: There is no such line, or no such category.
    """
    given = with_known_categories(given, case.receipt.owner, session=case.session)
    gone = {field for field in case.standing().values(part) if field in ended or (LINES in ended and line_field(field))}
    corrected = {field: value for field, value in case.standing().values(part).items() if field not in gone}
    fresh = {field: value for field, value in given.items() if field not in corrected or corrected[field] != value}
    if LINES in fresh:  # which ends the corrections of single lines that there are
        fresh |= {field: value for field, value in given.items() if line_field(field)}
    single = {field: value for field, value in fresh.items() if line_field(field)}
    if not single:
        return fresh
    booked = overlaid(case.read(), corrected)
    lines = given.get(LINES, value_of(booked, LINES)) or []
    _refuse_unknown_lines(single, len(lines))
    pinned = {} if LINES in corrected or LINES in fresh else {LINES: lines}
    whole = {field: value for field, value in fresh.items() if field not in single}
    return pinned | whole | single


def ended_fields(case: Case, part: int, fields: Sequence[str]) -> list[str]:
    """Those of the fields whose correction counts and is to end; single lines end with the list that they are of."""
    standing = case.standing().values(part)
    return [field for field in dict.fromkeys(fields) if field in standing]


def _refuse_unknown_lines(single: Mapping[str, Any], lines: int) -> None:
    unknown = [field for field in single if (place := line_field(field)) and place[0] > lines]
    if unknown:
        known = f"it has {lines} lines; add one with the whole list `{LINES}`"
        raise InvalidValuesError(dict.fromkeys(unknown, f"there is no such line: {known}"))
