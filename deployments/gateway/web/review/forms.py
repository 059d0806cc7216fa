"""What a review's form says: which fields differ from what was shown, and the checks over them."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from flows.domain.fields import Check, ReceiptFields
from flows.ledger.corrections import FIELDS, InvalidValuesError, parse_values
from flows.ledger.decisions import FieldView, ReviewItem
from flows.ledger.errors import InvalidReferenceError
from flows.reading.parser import check_values, date_in, latest_day

MAIN = ("total", "currency", "purchase_date", "merchant")
# Below this a reading is called doubtful; the parser accepts none of these fields below it by itself.
SURE = 0.75
_AMOUNTS = {"total", "subtotal", "tax", "tip", "rounding", "quantity", "unit_price", "discount"}
_AMOUNTS |= {"rate", "net", "amount"}
# One comma with one or two digits behind it, and before it, if there are points, groups of three.
_DECIMAL_COMMA = re.compile(r"-?(\d+|\d{1,3}(\.\d{3})+),\d{1,2}")
PART_FIELDS = ("merchant", "purchase_date", "total", "currency")
MOST_SHOWN_PARTS = 6


def as_text(value: Any) -> str:
    """A field's value as its input shows it."""
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def changed(item: ReviewItem, fields: Mapping[str, str]) -> dict[str, object]:
    """The fields whose text is another than what counts now, as outside values."""
    shown = {one.name: as_text(one.value) for one in item.fields}
    given = {name: text for name, text in fields.items() if name in FIELDS}
    fresh = {name: text for name, text in given.items() if text.strip() != shown.get(name, "")}
    return {name: outside(name, text, item.read) for name, text in fresh.items()}


def outside(name: str, text: str, read: ReceiptFields | None = None) -> object:
    """A typed text as the outside value of a field.

    Amounts may have a comma, as most of Europe writes them, and dates may be written as on receipts (`4.5.26`), in the
    order of the receipt that was `read`. What cannot be understood stays as it is, to be refused with its cure.
    """
    if name == "purchase_date":
        day = date_in(text, read, today=latest_day(dt.datetime.now(dt.UTC)))
        return day.isoformat() if day else text.strip() or None
    if name == "tags":
        return [tag.strip() for tag in text.split(",") if tag.strip()]
    if name.rsplit("/", 1)[-1] in _AMOUNTS and _DECIMAL_COMMA.fullmatch(text.strip()):
        return text.strip().replace(".", "").replace(",", ".")
    return text.strip() or None


def checks_of(item: ReviewItem, fields: Mapping[str, str]) -> tuple[list[Check], dict[str, str]]:
    """The checks over what is typed, and by field what cannot be its value."""
    values, problems = {}, {}
    for name, given in changed(item, fields).items():
        try:
            values.update(parse_values({name: given}))
        except InvalidValuesError as error:
            problems.update(error.problems)
    return list(check_values(item.read, values)) if item.read else [], problems


def doubtful(item: ReviewItem) -> list[str]:
    """The fields that a person should look at, the most important first: missing, unsure, or named by a reason."""
    named = [reason.split(":", 1)[0] for reason in item.reasons]
    return [one.name for one in main_fields(item) if one.name in named or _is_unsure(one)]


def main_fields(item: ReviewItem) -> list[FieldView]:
    """The fields that an expense needs, in the order in which people check them."""
    by_name = {one.name: one for one in item.fields}
    return [by_name[name] for name in MAIN if name in by_name]


def other_fields(item: ReviewItem) -> list[FieldView]:
    """All others."""
    return [one for one in item.fields if one.name not in MAIN]


def _is_unsure(field: FieldView) -> bool:
    return field.correction is None and (field.value is None or (field.confidence or 0) < SURE)


def seen_at(fields: Mapping[str, str]) -> dt.datetime | None:
    """When the receipt that the form shows was last written.

    Raises:
        InvalidReferenceError: That is no time; the form was changed by hand.
    """
    text = fields.get("seen", "")
    try:
        return dt.datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidReferenceError("seen: open the receipt again") from error


def parts_of(fields: Mapping[str, str]) -> list[dict[str, object]]:
    """The parts of a split: each row of the form in which something is written."""
    rows = [
        {name: fields.get(f"part-{row}-{name}", "").strip() for name in PART_FIELDS} for row in range(MOST_SHOWN_PARTS)
    ]
    filled = [row for row in rows if row["total"] or row["merchant"]]
    return [{name: outside(name, text) for name, text in row.items() if text} for row in filled]
