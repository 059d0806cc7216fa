"""Delivers webhooks from within the gateway, a second after they are due at most."""

from __future__ import annotations

import asyncio
import logging

from flows.domain.errors import ReceiptflowError
from flows.ledger.database import Ledger
from flows.pipeline.webhook_delivery import BATCH, deliver_due

_log = logging.getLogger("receiptflow.webhooks")
_LOOK_SECONDS = 1.0
_PAUSE_SECONDS = 5.0


async def deliver_for_ever(ledger: Ledger, *, allow_private: bool, public_url: str = "") -> None:
    """Look for due deliveries for ever; to be cancelled. What is under way then is delivered again."""
    while True:
        try:
            tried = await deliver_due(ledger, allow_private=allow_private, public_url=public_url)
        except ReceiptflowError as error:
            _log.warning("deliveries pause: %s", error)
            await asyncio.sleep(_PAUSE_SECONDS)
            continue
        if tried < BATCH:
            await asyncio.sleep(_LOOK_SECONDS)
