"""Heartbeats of a receipt's process while it works, for other hosts, which cannot see the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prefect import get_run_logger

from flows.ledger.receipts import heartbeat
from flows.pipeline.process_identity import HEARTBEAT_SECONDS
from flows.pipeline.steps import ReceiptRun


@asynccontextmanager
async def heartbeats(receipt: ReceiptRun) -> AsyncIterator[None]:
    """Write a heartbeat into the ledger every `HEARTBEAT_SECONDS`; a run that is shorter writes none."""
    beating = asyncio.create_task(_beat(receipt))
    try:
        yield
    finally:
        beating.cancel()


async def _beat(receipt: ReceiptRun) -> None:
    while True:
        await asyncio.sleep(HEARTBEAT_SECONDS)
        try:
            await asyncio.to_thread(_beat_once, receipt)
        except Exception as error:  # whatever it is, without heartbeats another host would take the run over
            get_run_logger().warning("A heartbeat could not be written: %s", error)


def _beat_once(receipt: ReceiptRun) -> None:
    if receipt.has_attempt:
        with receipt.pipeline.ledger.session() as session:
            heartbeat([receipt.attempt], session=session)
