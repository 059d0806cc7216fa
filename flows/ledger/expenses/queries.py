"""What people and other programs ask the ledger about expenses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from flows.ledger.expenses.search import Wanted, conditions
from flows.ledger.locking import as_value
from flows.ledger.pagination import newest_page
from flows.ledger.schema import Expense
from flows.ledger.views import ExpenseView, Page


def find_expenses(
    wanted: Wanted | None = None, *, session: Session, limit: int = 100, after: str | None = None, **bounds: Any
) -> Page[ExpenseView]:
    """Expenses, the last posted first.

    Args:
        wanted: Which; those that count by default.
        session: The transaction.
        limit: At most so many.
        after: The `next` of the page before.
        **bounds: Fields of `Wanted`, in place of the equally named ones of `wanted`.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list, or `text` holds no word.
    """
    wanted = replace(wanted or Wanted(), **bounds)
    query = select(Expense).where(*conditions(wanted))
    return newest_page(ExpenseView, query, (col(Expense.created_at), col(Expense.id)), limit, after, session=session)


def all_expenses(*, session: Session, owner: str | None = None, page_size: int = 1000) -> Iterator[ExpenseView]:
    """All expenses, the last posted first, a page in memory at a time."""
    after: str | None = None
    while True:
        page = find_expenses(session=session, owner=owner, limit=page_size, after=after)
        yield from page
        if (after := page.next) is None:
            return


def expense_of_content(content_id: UUID | None, *, session: Session) -> ExpenseView | None:
    """The expense that was made of a content, if there is one that counts: the first, where it gives several."""
    return next(iter(expenses_of_content(content_id, session=session)), None)


def expenses_of_content(content_id: UUID | None, *, session: Session) -> tuple[ExpenseView, ...]:
    """The expenses of a content that count, by part."""
    query = select(Expense).where(Expense.content_id == content_id, col(Expense.voided_at).is_(None))
    return tuple(as_value(ExpenseView, row) for row in session.exec(query.order_by(col(Expense.part))))


def days_of(owner: str, *, session: Session) -> tuple[dt.date, dt.date] | None:
    """The first and the last day of purchase of an owner's expenses; None if none has a date."""
    days = select(func.min(Expense.purchase_date), func.max(Expense.purchase_date)).where(Expense.owner == owner)
    first, last = session.exec(days).one()
    return (first, last) if first and last else None


def expenses_of_contents(content_ids: Collection[UUID], *, session: Session) -> dict[UUID, ExpenseView]:
    """The expense that counts of each of these contents that has one: the first, where there are several."""
    query = select(Expense).where(col(Expense.content_id).in_(content_ids), col(Expense.voided_at).is_(None))
    rows = session.exec(query.order_by(col(Expense.part).desc()))
    return {row.content_id: as_value(ExpenseView, row) for row in rows}
