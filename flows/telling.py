"""The last step of a receipt: tell its owner, from the ledger's outbox, once."""

from __future__ import annotations

import asyncio

from prefect import get_run_logger

from flows import ledger as books
from flows.ledger import NotificationView
from flows.notify import message_for, send
from flows.processes import holder_is_gone, this_process
from flows.steps import log_execution
from flows.work import Work

# The outbox also holds webhooks' deliveries, which are not this step's.
CHANNEL = "owner"


async def tell_owner(receipt: Work) -> bool:
    """Send what the outbox holds for this receipt's owner. Returns whether all was sent before."""
    pending = await asyncio.to_thread(_claim, receipt)
    for notification in pending:
        log_execution("started", "notify_owner", str(notification.id))
        await _send(receipt, notification)
        await asyncio.to_thread(_mark_sent, receipt, notification)
        log_execution("durable", "notify_owner", str(notification.id))
    return not pending


async def _send(receipt: Work, notification: NotificationView) -> None:
    message = message_for(
        notification.kind.value,
        owner=notification.owner,
        key=receipt.receipt.key,
        detail=receipt.ended().message,
        delivery_id=notification.id,
    )
    if receipt.pipeline.notification:
        await send(receipt.pipeline.notification, message)
    else:
        get_run_logger().info("%s — %s", message.subject, message.body)


def _claim(receipt: Work) -> list[NotificationView]:
    with receipt.pipeline.ledger.session() as session:
        return books.claim_notifications(
            this_process(),
            holder_is_gone=holder_is_gone,
            receipt_id=receipt.receipt.id,
            channel=CHANNEL,
            session=session,
        )


def _mark_sent(receipt: Work, notification: NotificationView) -> None:
    with receipt.pipeline.ledger.session() as session:
        books.mark_sent(notification.id, session=session)
