"""What waits for a person, oldest first, in pages."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select, true, tuple_
from sqlmodel import Session, col

from flows.ledger.locking import is_in
from flows.ledger.pagination import read_cursor, write_cursor
from flows.ledger.schema import ExtractionRow, Receipt, State
from flows.ledger.views import Page

_SHOWN = ("merchant", "purchase_date", "total", "currency")


@dataclass(frozen=True, slots=True)
class QueuedReceipt:
    """One receipt in review, with what was read as text; `updated_at` is what a decision's `seen` takes."""

    id: UUID
    key: str
    owner: str
    received_at: dt.datetime
    updated_at: dt.datetime
    reason_code: str | None
    reason: str | None
    same_purchase_as: UUID | None
    merchant: str | None
    purchase_date: str | None
    total: str | None
    currency: str | None


def review_queue(
    *, session: Session, owner: str | None = None, after: str | None = None, limit: int = 50
) -> Page[QueuedReceipt]:
    """Receipts in review, the one received first at the front.

    Args:
        session: The transaction.
        owner: Only this owner's.
        after: The `next` of the page before.
        limit: At most so many.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list.
    """
    order = (col(Receipt.received_at), col(Receipt.id))
    newest = _newest_reading()
    own: list[Any] = [column for name in QueuedReceipt.__dataclass_fields__ if (column := getattr(Receipt, name, None))]
    query = select(*own, *(newest.c.fields[name]["value"].astext.label(name) for name in _SHOWN))
    query = query.select_from(Receipt).outerjoin(newest, true()).where(is_in(State.REVIEW, col(Receipt.state)))
    if owner is not None:
        query = query.where(col(Receipt.owner) == owner)
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*read_cursor(after, dt.datetime, UUID)))
    rows = session.execute(query.order_by(*order).limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    following = write_cursor(last.received_at, last.id) if last else None
    return Page(tuple(QueuedReceipt(**row._mapping) for row in rows[:limit]), following)  # public by its documentation


def _newest_reading() -> Any:
    reading = select(col(ExtractionRow.fields)).where(col(ExtractionRow.content_id) == col(Receipt.content_id))
    return reading.order_by(col(ExtractionRow.created_at).desc()).limit(1).lateral("reading")
