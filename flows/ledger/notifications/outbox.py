"""The outbox: a notification is written with the outcome and sent afterwards, under one stable delivery id.

A notification is claimed before it is sent. The claim keeps others off while its process may be sending; it ends
with `mark_sent` or `mark_failed`, with the process, or after its lease.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.fields import ReceiptFields
from flows.ledger.errors import ReceiptNotFoundError
from flows.ledger.locking import as_value, clean, is_in
from flows.ledger.schema import WEBHOOK_PREFIX, DeliveryState, Notification, NotificationKind, Receipt, Webhook
from flows.ledger.values import ProcessIdentity, ProcessLease
from flows.ledger.views import ExpenseView, NotificationView

LEASE_SECONDS = 120
_VALUES = ("merchant", "purchase_date", "total", "currency")


def enqueue_expense(
    receipt: Receipt,
    kind: NotificationKind,
    channels: Sequence[str],
    expense: ExpenseView,
    *,
    session: Session,
    reasons: Sequence[str] = (),
) -> None:
    """Put into the outbox what became of an expense: once a channel and revision."""
    values = {"expense_id": expense.public_id, "revision": expense.revision}
    values |= {name: _plain(getattr(expense, name)) for name in _VALUES}
    payload = values | {"reasons": list(reasons)}
    _enqueue(receipt, kind, channels, expense.revision, payload, session=session, part=expense.part)


def enqueue_reviewed(receipt: Receipt, decision_id: int, values: dict[str, Any], *, session: Session) -> None:
    """Put into the outbox of the webhooks what a person decided: once a decision, whose id stands for a revision."""
    _enqueue(receipt, NotificationKind.REVIEWED, (), decision_id, values, session=session)


def enqueue_outcome(
    receipt: Receipt,
    kind: NotificationKind,
    channels: Sequence[str],
    fields: ReceiptFields | None,
    reasons: Sequence[str],
    *,
    session: Session,
    revision: int,
) -> None:
    """Put into the outbox why a receipt has no expense: once a channel and `revision` of the expense that it had."""
    read = fields.model_dump(mode="json", include=set(_VALUES)) if fields else {}
    values = {"expense_id": None, "revision": revision}
    values |= {name: (read.get(name) or {}).get("value") for name in _VALUES}
    _enqueue(receipt, kind, channels, revision, values | {"reasons": list(reasons)}, session=session)


def _enqueue(
    receipt: Receipt,
    kind: NotificationKind,
    channels: Sequence[str],
    revision: int,
    values: dict[str, Any],
    *,
    session: Session,
    part: int = 0,
) -> None:
    """One row a channel and one for each of the owner's webhooks."""
    hooks = select(Webhook.id).where(
        Webhook.owner == receipt.owner, col(Webhook.active), col(Webhook.kinds).contains([kind.value])
    )
    everywhere = [*channels, *(f"{WEBHOOK_PREFIX}{hook}" for hook in session.exec(hooks))]
    place = {"receipt_id": str(receipt.id), "owner": receipt.owner, "bucket": receipt.bucket, "key": receipt.key}
    row = {"receipt_id": receipt.id, "owner": receipt.owner, "kind": kind, "revision": revision, "part": part}
    row["payload"] = clean({"kind": kind.value, **place, **values})
    if everywhere:
        rows = [row | {"channel": channel} for channel in everywhere]
        identity = ["receipt_id", "kind", "channel", "revision", "part"]
        session.execute(insert(Notification).values(rows).on_conflict_do_nothing(index_elements=identity))


def claim_notifications(
    process: ProcessIdentity,
    *,
    process_is_gone: Callable[[ProcessLease], bool],
    session: Session,
    receipt_id: UUID | None = None,
    channel: str | None = None,
    limit: int = 100,
) -> list[NotificationView]:
    """Take due notifications to send; commit before sending. Racing callers never get the same one.

    One that another process claimed is given only if that process is gone or its lease has run out.

    Args:
        process: Who will send.
        process_is_gone: Asked about the process of an unfinished claim; must answer at once.
        session: The transaction.
        receipt_id: Only this receipt's, even if its next try is not due yet.
        channel: Only this channel; `webhook:%` is all webhooks.
        limit: At most so many.
    """
    rows = session.exec(_due(receipt_id, channel).limit(limit).with_for_update(key_share=True, skip_locked=True)).all()
    mine = [row for row, silence in rows if _is_free(row, silence, process, process_is_gone)]
    if mine:
        query = update(Notification).where(col(Notification.id).in_([row.id for row in mine]))
        session.execute(
            query.values(
                attempts=col(Notification.attempts) + 1,
                claimant=asdict(process),
                claimed_at=func.clock_timestamp(),
            )
        )
    return [as_value(NotificationView, row) for row in mine]


def mark_sent(notification_id: UUID, *, session: Session) -> None:
    """Note that the outside has taken the notification.

    Raises:
        ReceiptNotFoundError: Its receipt was deleted with it.
    """
    _finish(notification_id, session=session, state=DeliveryState.SENT, sent_at=func.now(), last_error=None)


def mark_failed(notification_id: UUID, error: str, *, retry_in_seconds: float | None, session: Session) -> None:
    """Note that sending failed; it is due again after `retry_in_seconds`, or given up with None.

    Raises:
        ReceiptNotFoundError: Its receipt was deleted with it.
    """
    state = DeliveryState.FAILED if retry_in_seconds is None else DeliveryState.PENDING
    due = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, retry_in_seconds or 0.0)
    _finish(notification_id, session=session, state=state, next_attempt_at=due, last_error=clean(error))


def replay(notification_id: UUID, *, session: Session) -> None:
    """Send a notification again, under the delivery id that it has.

    Raises:
        ReceiptNotFoundError: Its receipt was deleted with it.
    """
    _finish(notification_id, session=session, state=DeliveryState.PENDING, next_attempt_at=func.now(), sent_at=None)


def _due(receipt_id: UUID | None, channel: str | None) -> Any:
    silence = func.extract("epoch", func.clock_timestamp() - col(Notification.claimed_at))
    query = select(Notification, silence).where(is_in(DeliveryState.PENDING, col(Notification.state)))
    if receipt_id is None:
        query = query.where(col(Notification.next_attempt_at) <= func.now())
    else:
        query = query.where(Notification.receipt_id == receipt_id)
    if channel is not None:
        query = query.where(col(Notification.channel).like(channel))
    # What others are sending comes last, so that it fills no page.
    free = col(Notification.claimant).is_(None).desc()
    return query.order_by(free, col(Notification.next_attempt_at), col(Notification.id))


def _is_free(
    row: Notification, silence: Any, process: ProcessIdentity, process_is_gone: Callable[[ProcessLease], bool]
) -> bool:
    if row.claimant is None or float(silence) > LEASE_SECONDS:
        return True
    claimant = ProcessIdentity(**row.claimant)
    return claimant == process or process_is_gone(ProcessLease(claimant, float(silence)))


def _finish(notification_id: UUID, *, session: Session, **columns: Any) -> None:
    query = update(Notification).where(col(Notification.id) == notification_id)
    query = query.values(claimant=None, claimed_at=None, **columns)
    if session.execute(query.returning(col(Notification.id))).first() is None:
        raise ReceiptNotFoundError(f"with notification {notification_id}")


def _plain(value: object) -> str | None:
    """As it stands in JSON: amounts and dates as exact text."""
    return None if value is None else str(value)
