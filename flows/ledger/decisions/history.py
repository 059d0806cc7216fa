"""A receipt's whole history: its states, what people decided, and which fields they set to what."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, select

from flows.ledger.receipts import get_receipt
from flows.ledger.receipts import history as state_changes
from flows.ledger.schema import CorrectionRow, DecisionRow
from flows.ledger.views import StateChangeView


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One thing that happened. `what` is state, correction, or the kind of a decision.

    Of a state: `before` and `after` are states. Of a correction: values as JSON, `machine` what had been read,
    `taken_back` that it ended. `confirmed` says that the person set what had been read.
    """

    at: dt.datetime
    what: str
    who: str | None = None
    via: str | None = None
    part: int = 0
    field: str | None = None
    before: Any = None
    after: Any = None
    machine: Any = None
    taken_back: bool = False
    confirmed: bool = False
    reason: str | None = None
    attempt: int | None = None
    flow_run_id: UUID | None = None


def history(receipt_id: UUID, *, session: Session, owner: str | None = None) -> tuple[HistoryLine, ...]:
    """What happened to a receipt and its content, oldest first.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
    """
    receipt = get_receipt(receipt_id, session=session, owner=owner)
    lines = [_state(change) for change in state_changes(receipt_id, session=session)]
    if receipt.content_id is not None:
        decisions = select(DecisionRow).where(DecisionRow.content_id == receipt.content_id)
        lines += [_decision(row) for row in session.exec(decisions.order_by(col(DecisionRow.id)))]
        corrections = select(CorrectionRow).where(CorrectionRow.content_id == receipt.content_id)
        lines += [_correction(row) for row in session.exec(corrections.order_by(col(CorrectionRow.id)))]
    return tuple(sorted(lines, key=lambda line: line.at))


def _state(change: StateChangeView) -> HistoryLine:
    return HistoryLine(
        at=change.at,
        what="state",
        before=change.from_state,
        after=change.to_state,
        reason=change.reason,
        attempt=change.attempt,
        flow_run_id=change.flow_run_id,
    )


def _decision(row: DecisionRow) -> HistoryLine:
    return HistoryLine(
        at=row.at, what=row.kind.value, who=row.actor, via=row.via.value, reason=row.reason, after=row.code
    )


def _correction(row: CorrectionRow) -> HistoryLine:
    return HistoryLine(
        at=row.at,
        what="correction",
        who=row.actor,
        via=row.via.value,
        part=row.part,
        field=row.field,
        before=row.before,
        after=row.machine if row.taken_back else row.value,
        machine=row.machine,
        taken_back=row.taken_back,
        confirmed=not row.taken_back and row.value == row.machine,
        reason=row.reason,
    )
