"""Receipts by their flow runs: what recovery holds against Prefect's picture."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, union, update
from sqlmodel import Session, col, select

from flows.ledger.locking import as_value, is_in
from flows.ledger.schema import FINAL_STATES, WEBHOOK_PREFIX, DeliveryState, Notification, Receipt, State
from flows.ledger.views import ReceiptView

_OPEN = (col(Receipt.state).in_([State.WAITING, State.RUNNING]), ~col(Receipt.held))
_OWNER_NOT_NOTIFIED = (
    is_in(DeliveryState.PENDING, col(Notification.state)),
    ~col(Notification.channel).startswith(WEBHOOK_PREFIX),
)


def receipt_of_flow_run(flow_run_id: UUID, *, session: Session) -> ReceiptView | None:
    """The receipt that a flow run was submitted for or works on; None if it is none's."""
    return next(iter(receipts_of_flow_runs([flow_run_id], session=session)), None)


def receipts_of_flow_runs(flow_run_ids: Collection[UUID], *, session: Session) -> list[ReceiptView]:
    """The receipts that these flow runs were submitted for or work on."""
    rows = session.exec(select(Receipt).where(col(Receipt.flow_run_id).in_(flow_run_ids)))
    return [as_value(ReceiptView, row) for row in rows]


def submitted_unfinished(
    *, session: Session, quiet_seconds: float, limit: int = 200, after: UUID | None = None
) -> list[ReceiptView]:
    """Receipts that have a flow run but no final state, and that nothing was written for in the last seconds.

    Args:
        session: The transaction.
        quiet_seconds: Leave out those that changed more recently.
        limit: At most so many, ordered by id.
        after: Only ids behind this one.
    """
    query = select(Receipt).where(
        col(Receipt.state).in_([State.WAITING, State.RUNNING]),
        col(Receipt.flow_run_id).is_not(None),
        ~col(Receipt.held),
        col(Receipt.updated_at) < func.now() - func.make_interval(0, 0, 0, 0, 0, 0, quiet_seconds),
    )
    if after is not None:
        query = query.where(col(Receipt.id) > after)
    return [as_value(ReceiptView, row) for row in session.exec(query.order_by(col(Receipt.id)).limit(limit))]


def unnotified(
    *, session: Session, quiet_seconds: float, limit: int = 200, after: UUID | None = None
) -> list[ReceiptView]:
    """Receipts that are final, have a flow run, and whose owner has been due to be notified for so long.

    Args:
        session: The transaction.
        quiet_seconds: Leave out notifications that became due, and receipts that changed, more recently.
        limit: At most so many, ordered by id.
        after: Only ids behind this one.
    """
    quiet_since = func.now() - func.make_interval(0, 0, 0, 0, 0, 0, quiet_seconds)
    due = select(Notification.receipt_id).where(*_OWNER_NOT_NOTIFIED, col(Notification.next_attempt_at) < quiet_since)
    query = select(Receipt).where(
        col(Receipt.id).in_(due),
        col(Receipt.state).in_(FINAL_STATES),
        col(Receipt.flow_run_id).is_not(None),
        col(Receipt.updated_at) < quiet_since,
    )
    if after is not None:
        query = query.where(col(Receipt.id) > after)
    return [as_value(ReceiptView, row) for row in session.exec(query.order_by(col(Receipt.id)).limit(limit))]


def give_to_run(receipt_id: UUID, lost: UUID, flow_run_id: UUID, *, session: Session) -> bool:
    """Let a final receipt, whose flow run is lost, be another one's; False if it has gone on or is deleted."""
    query = update(Receipt).where(col(Receipt.id) == receipt_id, col(Receipt.flow_run_id) == lost)
    query = query.where(col(Receipt.state).in_(FINAL_STATES)).values(flow_run_id=flow_run_id)
    return bool(session.execute(query.returning(col(Receipt.id))).first())


def unended(*, session: Session, limit: int = 200, after: UUID | None = None) -> list[ReceiptView]:
    """Receipts whose flow run still has something to do: neither final nor held, or the owner not yet notified.

    Args:
        session: The transaction.
        limit: At most so many, ordered by id.
        after: Only ids behind this one.
    """
    query = select(Receipt).where(col(Receipt.id).in_(_unended_ids()))
    if after is not None:
        query = query.where(col(Receipt.id) > after)
    return [as_value(ReceiptView, row) for row in session.exec(query.order_by(col(Receipt.id)).limit(limit))]


def count_unended(*, session: Session) -> int:
    """How many `unended` lists."""
    return session.scalar(select(func.count()).select_from(_unended_ids().subquery())) or 0


def has_unended(*, session: Session) -> bool:
    """Whether `unended` lists any."""
    return bool(session.scalar(select(_unended_ids().exists())))


def unended_of_flow_runs(flow_run_ids: Collection[UUID], *, session: Session) -> list[ReceiptView]:
    """The same of these flow runs only, by their index."""
    pending = exists().where(col(Notification.receipt_id) == col(Receipt.id), *_OWNER_NOT_NOTIFIED)
    query = select(Receipt).where(col(Receipt.flow_run_id).in_(flow_run_ids))
    rows = session.exec(query.where(or_(and_(*_OPEN), and_(col(Receipt.state).in_(FINAL_STATES), pending))))
    return [as_value(ReceiptView, row) for row in rows]


def _unended_ids() -> Any:
    """Ids, by an index of each half that holds only what is under way."""
    has_run = col(Receipt.flow_run_id).is_not(None)
    final = select(Receipt.id).join(Notification, col(Notification.receipt_id) == col(Receipt.id))
    final = final.where(col(Receipt.state).in_(FINAL_STATES), *_OWNER_NOT_NOTIFIED)
    return union(select(Receipt.id).where(has_run, *_OPEN), final.where(has_run))
