"""Emits Prefect events, so that users can hang automations on what was received and what a person decided."""

from __future__ import annotations

import logging
from uuid import UUID

from prefect.events import emit_event

from flows.ledger.values import WaitingReceipt
from flows.ledger.views import ReceiptView

_log = logging.getLogger("receiptflow.events")
RECEIVED = "receiptflow.receipt.received"
REVIEWED = "receiptflow.receipt.reviewed"


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


def emit_reviewed(receipt: ReceiptView, *, by: str) -> None:
    """Emit `receiptflow.receipt.reviewed`. Best effort: if it fails, the decision stands all the same.

    Args:
        receipt: As the decision left it.
        by: Who decided.
    """
    try:
        emit_event(
            event=REVIEWED,
            resource={
                "prefect.resource.id": f"receiptflow.receipt.{receipt.id}",
                "prefect.resource.name": receipt.key,
                "receiptflow.owner": receipt.owner,
                "receiptflow.bucket": receipt.bucket,
                "receiptflow.state": receipt.state.value,
            },
            payload={
                "key": receipt.key,
                "bucket": receipt.bucket,
                "owner": receipt.owner,
                "state": receipt.state.value,
                "reason_code": receipt.reason_code,
                "by": by,
            },
        )
    except Exception:  # as above: none of it may stop a decision
        _log.warning("the event was not emitted", exc_info=True, extra={"receipt_id": str(receipt.id)})
