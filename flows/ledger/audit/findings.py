"""What the ledger can say about itself: rows that contradict each other, and its contents in the order of their hash.

For `receiptflow reconcile`. Each finding is one page of at most `limit` rows behind `after`, in the order of ids, so
that a ledger of any size is looked through with the memory of a page.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from flows.ledger.database import Ledger
from flows.ledger.locking import as_value, lock_hash
from flows.ledger.schema import (
    OBJECT_GONE_CODES,
    Content,
    DeliveryState,
    Expense,
    ExtractionRow,
    Notification,
    Receipt,
    State,
)
from flows.ledger.views import NotificationView, ReceiptView


def broken_expenses(*, session: Session, limit: int = 1000, after: UUID | None = None) -> list[tuple[UUID, UUID]]:
    """Expenses whose receipt, content and extraction do not belong together, as (expense id, receipt id)."""
    together = and_(
        col(Receipt.state).in_([State.EXPENSED, State.WAITING, State.RUNNING]),  # reopened ones keep their expense
        col(Receipt.content_id) == col(Expense.content_id),
        col(Content.canonical_receipt_id) == col(Receipt.id),
        col(ExtractionRow.content_id) == col(Expense.content_id),
    )
    query = (
        select(Expense.id, Expense.receipt_id)
        .join(Receipt, col(Receipt.id) == col(Expense.receipt_id))
        .join(Content, col(Content.id) == col(Expense.content_id))
        .join(ExtractionRow, col(ExtractionRow.id) == col(Expense.extraction_id))
        .where(col(Expense.voided_at).is_(None))
        .where(together.is_not(True))  # unlike NOT, also where a part is NULL
    )
    return [(row[0], row[1]) for row in session.exec(_behind(query, col(Expense.id), after).limit(limit))]


def count_expenses(*, session: Session) -> int:
    """How many expenses there are, without those that were voided."""
    return session.exec(select(func.count()).where(col(Expense.voided_at).is_(None))).one()


def expensed_without_expense(*, session: Session, limit: int = 1000, after: UUID | None = None) -> list[ReceiptView]:
    """Receipts in state `expensed` whose content has no expense."""
    posted = exists().where(col(Expense.content_id) == col(Receipt.content_id), col(Expense.voided_at).is_(None))
    query = select(Receipt).where(Receipt.state == State.EXPENSED, ~posted)
    return _receipts(query, after, limit, session=session)


def broken_duplicates(*, session: Session, limit: int = 1000, after: UUID | None = None) -> list[ReceiptView]:
    """Duplicates that do not point to the canonical receipt of the same content."""
    first = aliased(Receipt)
    held = exists().where(
        col(first.id) == col(Receipt.duplicate_of),
        col(first.content_id) == col(Receipt.content_id),
        col(Content.id) == col(Receipt.content_id),
        col(Content.canonical_receipt_id) == col(first.id),
    )
    query = select(Receipt).where(Receipt.state == State.DUPLICATE, ~held)
    return _receipts(query, after, limit, session=session)


def abandoned_contents(*, session: Session, limit: int = 1000, after: UUID | None = None) -> list[ReceiptView]:
    """Receipts that ended because their object was gone and own a content all the same."""
    owns = exists().where(col(Content.canonical_receipt_id) == col(Receipt.id))
    gone = (Receipt.state == State.QUARANTINED, col(Receipt.reason_code).in_(OBJECT_GONE_CODES))
    return _receipts(select(Receipt).where(*gone, owns), after, limit, session=session)


def never_submitted(
    *, session: Session, older_than_seconds: float, limit: int = 1000, after: UUID | None = None
) -> list[ReceiptView]:
    """Receipts that wait without a flow run for longer than a sweep takes to come."""
    query = select(Receipt).where(
        Receipt.state == State.WAITING, ~col(Receipt.held), col(Receipt.submitted_at).is_(None)
    )
    return _receipts(query.where(_older(Receipt.updated_at, older_than_seconds)), after, limit, session=session)


def stuck_notifications(
    *, session: Session, older_than_seconds: float, limit: int = 1000, after: UUID | None = None
) -> list[NotificationView]:
    """Notifications that were not delivered although they have long been due, and those that were given up."""
    state = col(Notification.state)
    late = and_(state == DeliveryState.PENDING, _older(Notification.next_attempt_at, older_than_seconds))
    query = select(Notification).where(or_(late, state == DeliveryState.FAILED))
    rows = session.exec(_behind(query, col(Notification.id), after).limit(limit))
    return [as_value(NotificationView, row) for row in rows]


def results_are_owned(sha256: str, *, session: Session) -> bool:
    """Whether somebody has a content with this hash; nobody claims one until the transaction ends."""
    lock_hash(sha256, session=session)
    return session.exec(select(Content.id).where(Content.sha256 == sha256).limit(1)).first() is not None


def results_are_unneeded(sha256: str, *, session: Session) -> bool:
    """Whether results of this hash can be removed until the transaction ends: nobody owns such a content, and nothing
    that is still to be read could turn out to be one, as after the loss of a ledger.
    """
    owned = results_are_owned(sha256, session=session)
    unread = select(Receipt.id).where(
        col(Receipt.state).in_([State.WAITING, State.RUNNING]), col(Receipt.sha256).is_(None)
    )
    return not owned and not session.exec(unread.limit(1)).first()


def walk_contents(ledger: Ledger, *, page_size: int = 1000) -> Iterator[str]:
    """The hashes of all contents in ascending order, each once, a page in memory at a time."""
    last = ""
    while True:
        query = select(Content.sha256).distinct().where(col(Content.sha256) > last).order_by(col(Content.sha256))
        with ledger.session() as session:
            page = list(session.exec(query.limit(page_size)))
        yield from page
        if len(page) < page_size:
            return
        last = page[-1]


def _receipts(query: Any, after: UUID | None, limit: int, *, session: Session) -> list[ReceiptView]:
    rows = session.exec(_behind(query, col(Receipt.id), after).limit(limit))
    return [as_value(ReceiptView, row) for row in rows]


def _behind(query: Any, column: Any, after: UUID | None) -> Any:
    ordered = query.order_by(column)
    return ordered if after is None else ordered.where(column > after)


def _older(column: Any, seconds: float) -> Any:
    return col(column) < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, seconds)
