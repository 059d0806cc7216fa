"""Receipts by their flow runs: what recovery holds against Prefect's picture."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import func
from sqlmodel import Session, col, select

from flows.ledger.locking import as_value
from flows.ledger.schema import Receipt, State
from flows.ledger.views import ReceiptView


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
