"""Emits a Prefect event for each received object, so that users can hang automations on it."""

from __future__ import annotations

import logging
from uuid import UUID

from prefect.events import emit_event

from flows.ledger.values import WaitingReceipt

_log = logging.getLogger("receiptflow.events")
RECEIVED = "receiptflow.receipt.received"


def emit_received(receipt: WaitingReceipt, flow_run_id: UUID) -> None:
    """Emit `receiptflow.receipt.received`. Best effort: if it fails, the receipt is processed all the same."""
    try:
        emit_event(
            event=RECEIVED,
            resource={
                "prefect.resource.id": f"receiptflow.receipt.{receipt.receipt_id}",
                "prefect.resource.name": receipt.key,
                "receiptflow.owner": receipt.owner,
                "receiptflow.bucket": receipt.bucket,
            },
            related=[{"prefect.resource.id": f"prefect.flow-run.{flow_run_id}", "prefect.resource.role": "flow-run"}],
            payload={"key": receipt.key, "bucket": receipt.bucket, "owner": receipt.owner},
        )
    except Exception:  # emitting runs third-party threads and sockets; none of it may stop a reception
        _log.warning("the event was not emitted", exc_info=True, extra={"receipt_id": str(receipt.receipt_id)})
