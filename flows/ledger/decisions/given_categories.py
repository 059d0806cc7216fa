"""The categories that a person gives, as the owner's present names; one that there is not is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from flows.ledger.categories import CategoryNotFoundError, known_category
from flows.ledger.corrections import LINES, InvalidValuesError, line_field

_CATEGORY = "category"


def with_known_categories(given: Mapping[str, Any], owner: str, *, session: Session) -> dict[str, Any]:
    """The values with each category by its present name.

    Raises:
        InvalidValuesError: The owner has no such category, by field.
    """
    problems: dict[str, str] = {}

    def known(field: str, name: str | None) -> str | None:
        try:
            return name and known_category(owner, name, session=session)
        except CategoryNotFoundError as error:
            problems[field] = str(error)
            return None

    values: dict[str, Any] = {
        field: known(field, value) if _is_category(field) else value for field, value in given.items()
    }
    if values.get(LINES):
        values[LINES] = [
            {**line, _CATEGORY: known(f"{LINES}/{position}/{_CATEGORY}", line.get(_CATEGORY))}
            for position, line in enumerate(values[LINES], start=1)
        ]
    if problems:
        raise InvalidValuesError(problems)
    return values


def _is_category(field: str) -> bool:
    line = line_field(field)
    return (line[1] if line else field) == _CATEGORY
