"""What the forms of expenses say: which expenses are meant, and which fields differ from what was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from deployments.gateway.api.lists import ExpenseFilter
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.review.forms import as_text, outside
from flows.ledger.corrections import FIELDS, LINES, TABLES, TAXES, plain, row_field
from flows.ledger.views import ExpenseView

LINE_COLUMNS = ("description", "quantity", "unit_price", "total", "category")
TAX_COLUMNS = ("rate", "net", "amount")
# An entered exchange rate is no column of an expense, which shows the rate that counts.
NAMES = tuple(name for name in FIELDS if name not in {*TABLES, "exchange_rate"})
_FILTERS = (
    "date_from",
    "date_to",
    "merchant",
    "total_from",
    "total_to",
    "currency",
    "text",
    "category",
    "tag",
    "voided",
)


def filter_of(query: Mapping[str, str]) -> tuple[ExpenseFilter, dict[str, str]]:
    """Which expenses a query string means, and its own parts that say so; empty parts mean any.

    Raises:
        RefusedError: A part cannot be what it should be.
    """
    said = {name: query[name].strip() for name in _FILTERS if query.get(name, "").strip()}
    if query.get("no_category") == "1":
        said["category"] = ""
    try:
        return ExpenseFilter.model_validate(said), said
    except ValidationError as error:
        wrong = "; ".join(f"{entry['loc'][-1]}: {entry['msg']}" for entry in error.errors())
        raise RefusedError(422, wrong) from error


def shown(expense: ExpenseView) -> dict[str, str]:
    """The texts of an expense's inputs."""
    return {name: as_text(plain(getattr(expense, name))) for name in NAMES}


def changed(
    before: Mapping[str, str],
    lines: Iterable[Mapping[str, Any]],
    taxes: Iterable[Mapping[str, Any]],
    fields: Mapping[str, str],
) -> dict[str, object]:
    """The fields whose text is another than what was shown, as outside values."""
    was = dict(before)
    for table, rows, columns in ((LINES, lines, LINE_COLUMNS), (TAXES, taxes, TAX_COLUMNS)):
        for position, row in enumerate(rows, start=1):
            was |= {f"{table}/{position}/{name}": as_text(row.get(name)) for name in columns}
    given = {name: text for name, text in fields.items() if name in NAMES or row_field(name)}
    return {name: outside(name, text) for name, text in given.items() if text.strip() != was.get(name, "")}
