"""Corrections: which fields a person may set to what, what was set, and the values with that laid over them."""

from flows.ledger.corrections.field_kinds import (
    FIELDS,
    LINE_FIELDS,
    LINES,
    InvalidValuesError,
    line_field,
    parse_values,
    plain,
)
from flows.ledger.corrections.overlay import overlaid, value_of
from flows.ledger.corrections.rows import Standing, standing_of

__all__ = [
    "FIELDS",
    "LINES",
    "LINE_FIELDS",
    "InvalidValuesError",
    "Standing",
    "line_field",
    "overlaid",
    "parse_values",
    "plain",
    "standing_of",
    "value_of",
]
