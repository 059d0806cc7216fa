"""Values as a person writes them on one line: `total=7.50; merchant=Kiosk`, and those of several receipts with `|`
between them.
"""

from __future__ import annotations

from flows.ledger.corrections.field_kinds import InvalidValuesError


def written_parts(line: str) -> list[dict[str, object]]:
    """The values of each receipt by field; nothing behind the sign empties the field.

    Raises:
        InvalidValuesError: Not written so.
    """
    return [_values(part) for part in line.split("|")]


def _values(part: str) -> dict[str, object]:
    values: dict[str, object] = {}
    for piece in (one.strip() for one in part.split(";")):
        name, sign, value = (one.strip() for one in piece.partition("="))
        if not piece:
            continue
        if not sign or not name or name in values:
            raise InvalidValuesError({"parts": f"{piece[:60]!r}: write total=7.50; merchant=Kiosk | total=5.00"})
        values[name] = value or None
    return values
