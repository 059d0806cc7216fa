"""The last step of a receipt: notify its owner, from the ledger's outbox, once."""

from __future__ import annotations

import asyncio

from prefect import get_run_logger

from flows.domain.pages import with_page
from flows.ledger.notifications import claim_notifications, mark_sent
from flows.ledger.views import NotificationView
from flows.notifications import message_for, send
from flows.pipeline.durable_step import log_execution
from flows.pipeline.process_identity import process_is_gone, this_process
from flows.pipeline.steps import ReceiptRun

# The outbox also holds webhooks' deliveries, which are not this step's.
CHANNEL = "owner"


async def send_notifications(receipt: ReceiptRun) -> bool:
    """Send what the outbox holds for this receipt's owner. Returns whether all was sent before."""
    pending = await asyncio.to_thread(_claim, receipt)
    for notification in pending:
        log_execution("started", "notify_owner", str(notification.id))
        await _send(receipt, notification)
        await asyncio.to_thread(_mark_sent, receipt, notification)
        log_execution("durable", "notify_owner", str(notification.id))
    return not pending


async def _send(receipt: ReceiptRun, notification: NotificationView) -> None:
    payload = with_page(notification.payload, receipt.pipeline.public_url)
    message = message_for(payload, delivery_id=notification.id)
    if receipt.pipeline.notification:
        await send(receipt.pipeline.notification, message)
    else:
        get_run_logger().info("%s — %s", message.subject, message.body)


def _claim(receipt: ReceiptRun) -> list[NotificationView]:
    with receipt.pipeline.ledger.session() as session:
        return claim_notifications(
            this_process(),
            process_is_gone=process_is_gone,
            receipt_id=receipt.receipt.id,
            channel=CHANNEL,
            session=session,
        )


def _mark_sent(receipt: ReceiptRun, notification: NotificationView) -> None:
    with receipt.pipeline.ledger.session() as session:
        mark_sent(notification.id, session=session)
