"""Corrections: which fields a person may set to what, what was set, and the values with that laid over them."""

from flows.ledger.corrections.field_kinds import (
    FIELDS,
    LINE_FIELDS,
    LINES,
    TABLES,
    TAXES,
    InvalidValuesError,
    line_field,
    parse_values,
    plain,
    row_field,
)
from flows.ledger.corrections.overlay import overlaid, value_of
from flows.ledger.corrections.rows import Standing, standing_of
from flows.ledger.corrections.written import written_parts

__all__ = [
    "FIELDS",
    "LINES",
    "LINE_FIELDS",
    "TABLES",
    "TAXES",
    "InvalidValuesError",
    "Standing",
    "line_field",
    "overlaid",
    "parse_values",
    "plain",
    "row_field",
    "standing_of",
    "value_of",
    "written_parts",
]
