"""What people and other programs ask the ledger about expenses."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from flows.ledger.locking import as_value, clean
from flows.ledger.pagination import newest_page
from flows.ledger.schema import Expense
from flows.ledger.views import ExpenseView, Page


def find_expenses(
    *,
    session: Session,
    owner: str | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    merchant: str | None = None,
    total_from: Decimal | None = None,
    total_to: Decimal | None = None,
    currency: str | None = None,
    voided: bool | None = False,
    limit: int = 100,
    after: str | None = None,
) -> Page[ExpenseView]:
    """Expenses, the last posted first.

    Args:
        session: The transaction.
        owner: Only this owner's.
        since: First day of purchase; expenses without a date are left out then.
        until: Last day of purchase.
        merchant: Any part of the name, in any case.
        total_from: Smallest total.
        total_to: Largest total.
        currency: ISO 4217 code.
        voided: Only those that count, only voided ones with True, or all with None.
        limit: At most so many.
        after: The `next` of the page before.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list.
    """
    wanted: list[tuple[Callable[[Any, Any], Any], Any, Any]] = [
        (operator.eq, Expense.owner, owner),
        (operator.ge, Expense.purchase_date, since),
        (operator.le, Expense.purchase_date, until),
        (_contains, Expense.merchant, merchant),
        (operator.ge, Expense.total, total_from),
        (operator.le, Expense.total, total_to),
        (operator.eq, Expense.currency, currency),
    ]
    query = select(Expense).where(
        *(compare(col(field), value) for compare, field, value in wanted if value is not None)
    )
    if voided is not None:
        query = query.where(col(Expense.voided_at).is_not(None) if voided else col(Expense.voided_at).is_(None))
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


def _contains(column: Any, part: str) -> Any:
    return column.icontains(clean(part), autoescape=True)
