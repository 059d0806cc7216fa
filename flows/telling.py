"""The last step of a receipt: tell its owner, from the ledger's outbox, once."""

from __future__ import annotations

import asyncio

from prefect import get_run_logger

from flows import ledger as books
from flows.notify import message_for, send
from flows.steps import log_execution
from flows.work import Work


async def tell_owner(receipt: Work) -> bool:
    """Send the notification that `record` put into the outbox. Returns whether it was sent before."""
    attempt = receipt.began()
    pending = await asyncio.to_thread(_claim, receipt)
    if pending is None:
        return True
    log_execution("started", "notify_owner", str(pending.id))
    message = message_for(
        pending.kind,
        owner=receipt.job.owner,
        key=receipt.job.key,
        detail=receipt.ended().message,
        delivery_id=pending.id,
    )
    if receipt.pipeline.notification:
        await send(receipt.pipeline.notification, message)
    else:
        get_run_logger().info("%s — %s", message.subject, message.body)
    await asyncio.to_thread(_mark_sent, receipt, pending)
    log_execution("durable", "notify_owner", str(attempt.receipt_id))
    return False


def _claim(receipt: Work) -> books.PendingNotification | None:
    with receipt.pipeline.ledger.session() as session:
        return books.claim_notification(receipt.began(), session=session)


def _mark_sent(receipt: Work, pending: books.PendingNotification) -> None:
    with receipt.pipeline.ledger.session() as session:
        books.mark_sent(pending.id, session=session)
