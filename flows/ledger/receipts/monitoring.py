"""How the whole ledger stands, for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from flows.ledger.receipts.queries import counts_by_state
from flows.ledger.schema import DeliveryState, Notification, Receipt, State


@dataclass(frozen=True, slots=True)
class Gauges:
    """How the pipeline stands. Ages in seconds."""

    states: dict[State, int]
    oldest_waiting_seconds: float
    retried: int
    reviews: dict[str, int]
    unsent: int


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
