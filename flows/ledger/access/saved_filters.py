"""Filters of the list of expenses that a person keeps under a name."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.schema import SavedFilter

MOST_FILTERS = 30
_LONGEST_NAME, _LONGEST_QUERY = 60, 2_000


class InvalidFilterError(ReceiptflowError):
    """A filter that cannot be kept."""


@dataclass(frozen=True, slots=True)
class SavedFilterView:
    """One kept filter. `query` is a query string without its question mark."""

    id: UUID
    name: str
    query: str


def save_filter(person_id: UUID, name: str, query: str, *, session: Session) -> None:
    """Keep a filter; one of the same name is replaced.

    Raises:
        InvalidFilterError: The name is empty or too long, nothing is filtered, or the person keeps too many.
    """
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidFilterError(f"name: give 1 to {_LONGEST_NAME} visible characters")
    if not query or len(query) > _LONGEST_QUERY:
        raise InvalidFilterError("filter: show a part of the expenses first, then keep what is shown")
    row = insert(SavedFilter).values(person_id=person_id, name=name, query=query)
    session.execute(row.on_conflict_do_update(index_elements=["person_id", "name"], set_={"query": query}))
    kept = session.scalar(select(func.count()).where(SavedFilter.person_id == person_id)) or 0
    if kept > MOST_FILTERS:
        raise InvalidFilterError(f"filter: {MOST_FILTERS} are kept already; delete one first")


def saved_filters(person_id: UUID, *, session: Session) -> list[SavedFilterView]:
    """A person's filters by name."""
    rows = session.exec(
        select(SavedFilter).where(SavedFilter.person_id == person_id).order_by(func.lower(SavedFilter.name))
    )
    return [SavedFilterView(row.id, row.name, row.query) for row in rows]


def delete_filter(filter_id: UUID, person_id: UUID, *, session: Session) -> None:
    """Delete a person's filter; one that is gone or another's stays as it is."""
    query = delete(SavedFilter).where(col(SavedFilter.id) == filter_id, col(SavedFilter.person_id) == person_id)
    session.execute(query)
