"""The values of an expense as its tables hold them: what was read, before and after a person's corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from flows.domain.fields import Found, ReceiptFields
from flows.ledger.locking import clean

_SAME_NAME = (
    *("merchant", "purchase_date", "purchase_time", "receipt_number", "currency", "country"),
    *("total", "subtotal", "tax", "tip", "rounding"),
)
# What is said of the whole sum tells nothing of its parts.
_OF_THE_WHOLE = ("total", "subtotal", "tax", "tip", "rounding", "receipt_number")


@dataclass(frozen=True, slots=True)
class ExpenseValues:
    """Columns by name; lines and taxes in the receipt's order."""

    columns: dict[str, Any]
    line_items: tuple[dict[str, Any], ...] = ()
    taxes: tuple[dict[str, Any], ...] = ()


def values_of(fields: ReceiptFields) -> ExpenseValues:
    """The values that were read, without where they stood."""
    columns = {name: clean(_value(getattr(fields, name))) for name in _SAME_NAME}
    columns["payment_method"] = clean(fields.payments[0].value.method) if fields.payments else None
    columns |= {"notes": None, "category": clean(_value(fields.category)), "tags": None, "exchange_rate": None}
    return ExpenseValues(columns, _rows(fields.line_items), _rows(fields.taxes))


def of_a_part(values: ExpenseValues) -> ExpenseValues:
    """What holds for each part of a receipt that gives several expenses: where and when, but no amounts."""
    return replace(values, columns=values.columns | dict.fromkeys(_OF_THE_WHOLE), line_items=(), taxes=())


def _value(found: Found[Any] | None) -> Any:
    return None if found is None else found.value


def _rows(found: Sequence[Found[Any]]) -> tuple[dict[str, Any], ...]:
    return tuple(clean(one.value.model_dump()) for one in found)
