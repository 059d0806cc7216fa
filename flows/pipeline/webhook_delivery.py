"""Delivers what the outbox holds for owners' webhooks: each delivery is claimed, posted, and noted as sent or repeated.

Imports nothing of Prefect, since the gateway delivers by it too, and holds all that it imports.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from flows.domain.errors import ReceiptflowError
from flows.domain.pages import with_page
from flows.ledger.database import Ledger
from flows.ledger.errors import ReceiptNotFoundError
from flows.ledger.notifications import (
    WebhookNotFoundError,
    WebhookView,
    claim_notifications,
    get_webhook,
    mark_failed,
    mark_sent,
    webhook_of,
)
from flows.ledger.schema import WEBHOOK_PREFIX
from flows.ledger.views import NotificationView
from flows.notifications import DeliveryFailedError, TargetRefusedError, post
from flows.pipeline.process_identity import process_is_gone, this_process

_log = logging.getLogger("receiptflow.webhooks")
BATCH = 50
# 10 s, 20 s, 40 s … up to six hours apart: a receiver may be away for about a day.
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS, _TRIES = 10.0, 6 * 3600.0, 16


async def deliver_due(ledger: Ledger, *, allow_private: bool, public_url: str = "") -> int:
    """Deliver one batch of what is due; one call at a time in a process.

    Args:
        ledger: Whose outbox.
        allow_private: Let webhooks call private and loopback addresses.
        public_url: Under which the pages are that payloads lead to; empty: they lead nowhere.

    Returns:
        How many were tried.
    """
    due = await asyncio.to_thread(_claim, ledger)
    await asyncio.gather(*(_deliver(ledger, one, allow_private, public_url) for one in due))
    return len(due)


def _claim(ledger: Ledger) -> Sequence[NotificationView]:
    with ledger.session() as session:
        return claim_notifications(
            this_process(),
            process_is_gone=process_is_gone,
            channel=f"{WEBHOOK_PREFIX}%",
            limit=BATCH,
            session=session,
        )


async def _deliver(ledger: Ledger, delivery: NotificationView, allow_private: bool, public_url: str) -> None:
    error, wait = None, None
    try:
        hook = await asyncio.to_thread(_hook_of, ledger, delivery)
        payload = with_page(delivery.payload, public_url)
        await post(hook.url, hook.secret, delivery.id, payload, allow_private=allow_private)
    except DeliveryFailedError as failure:
        error, wait = str(failure), _wait_after(delivery.attempts)
    except (TargetRefusedError, WebhookNotFoundError) as refusal:
        error = str(refusal)
    except ReceiptflowError:
        raise  # the ledger is away: nothing can be noted
    except Exception as failure:
        # One delivery must not end the others. Unforeseen, it may pass by itself: it is tried as long as any other.
        _log.exception("a delivery failed", extra={"delivery_id": str(delivery.id)})
        error, wait = f"unforeseen: {failure!r}", _wait_after(delivery.attempts)
    outcome = f"failed: {error}" if error else "delivered"
    _log.info("webhook %s", outcome, extra={"delivery_id": str(delivery.id), "receipt_id": str(delivery.receipt_id)})
    await asyncio.to_thread(_note, ledger, delivery, error, wait)


def _hook_of(ledger: Ledger, delivery: NotificationView) -> WebhookView:
    with ledger.session() as session:
        return get_webhook(webhook_of(delivery.channel), session=session)


def _wait_after(attempts: int) -> float | None:
    """Seconds until the next try, None to give up."""
    if attempts >= _TRIES:
        return None
    return float(min(_FIRST_WAIT_SECONDS * 2.0 ** max(attempts - 1, 0), _LONGEST_WAIT_SECONDS))


def _note(ledger: Ledger, delivery: NotificationView, error: str | None, wait: float | None) -> None:
    try:
        with ledger.session() as session:
            if error is None:
                mark_sent(delivery.id, session=session)
            else:
                mark_failed(delivery.id, error, retry_in_seconds=wait, session=session)
    except ReceiptNotFoundError:
        _log.info("the receipt was deleted meanwhile", extra={"delivery_id": str(delivery.id)})
