"""What the HTTP API asks of the ledger beyond what the command line asks: filtered lists, marks of change, gauges."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, tuple_
from sqlmodel import Session, col, select

from flows.ledger.cursors import read_cursor, write_cursor
from flows.ledger.queries import counts_by_state
from flows.ledger.rows import as_value
from flows.ledger.states import DeliveryState, State
from flows.ledger.tables import Notification, Receipt
from flows.ledger.views import Page, ReceiptView


@dataclass(frozen=True, slots=True)
class Gauges:
    """How the pipeline stands. Ages in seconds."""

    states: dict[State, int]
    oldest_waiting_seconds: float
    retried: int
    reviews: dict[str, int]
    unsent: int


def list_receipts(
    owner: str,
    *,
    session: Session,
    states: Collection[State] = (),
    received_from: dt.datetime | None = None,
    received_to: dt.datetime | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[ReceiptView]:
    """An owner's receipts, newest first.

    Args:
        owner: Whose.
        session: The transaction.
        states: Only in these; in any state without.
        received_from: Received then or later.
        received_to: Received before then.
        limit: At most so many.
        after: The `next` of the page before.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list.
    """
    order = (col(Receipt.received_at), col(Receipt.id))
    query = select(Receipt).where(Receipt.owner == owner)
    if states:
        query = query.where(col(Receipt.state).in_(states))
    if received_from is not None:
        query = query.where(order[0] >= received_from)
    if received_to is not None:
        query = query.where(order[0] < received_to)
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*read_cursor(after, dt.datetime, UUID)))
    rows = session.exec(query.order_by(order[0].desc(), order[1].desc()).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    following = write_cursor(last.received_at, last.id) if last else None
    return Page(tuple(as_value(ReceiptView, row) for row in rows[:limit]), following)


def marks_of_change(receipt_ids: Collection[UUID], *, session: Session) -> dict[UUID, dt.datetime]:
    """When each of these receipts was last written; one that was deleted is missing."""
    rows = session.exec(select(Receipt.id, Receipt.updated_at).where(col(Receipt.id).in_(receipt_ids)))
    return dict(rows.all())


def gauges(*, session: Session) -> Gauges:
    """The state of the whole ledger, for monitoring."""
    since = func.min(col(Receipt.received_at))
    waiting: Any = select(func.extract("epoch", func.now() - since)).where(Receipt.state == State.WAITING)
    retried = select(func.count()).where(Receipt.attempt > 1)
    unsent = select(func.count()).where(Notification.state == DeliveryState.PENDING)
    reviews = select(Receipt.reason_code, func.count()).where(Receipt.state == State.REVIEW)
    reasons = session.exec(reviews.group_by(col(Receipt.reason_code))).all()
    return Gauges(
        states=counts_by_state(session=session),
        oldest_waiting_seconds=float(session.exec(waiting).one() or 0.0),
        retried=session.exec(retried).one(),
        reviews={code or "unsure": count for code, count in reasons},
        unsent=session.exec(unsent).one(),
    )
