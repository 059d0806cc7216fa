"""Routes that change a receipt: read it again, delete it with everything that was made of it."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from deployments.gateway.api.schemas import AcceptedReceipt
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Admin
from deployments.gateway.http.problems import RESPONSES
from deployments.gateway.services.intake import Accepted
from flows.ledger.receipts import delete_receipt, get_receipt, reopen
from flows.ledger.schema import State

_CONFLICT: dict[int | str, dict[str, Any]] = {409: {**RESPONSES[404], "description": "It is being worked on just now."}}
router = APIRouter(tags=["receipts"], responses=RESPONSES | _CONFLICT)


@router.post("/receipts/{receipt_id}/retry", status_code=202, summary="Read a receipt again")
async def retry(receipt_id: UUID, caller: Admin, context: Context) -> AcceptedReceipt:
    """Whatever became of it is kept until the new reading ends; there is still at most one expense."""
    await read_again(context, receipt_id, caller.owner, "retried through the API")
    return AcceptedReceipt.of(Accepted(receipt_id, None, State.WAITING, duplicate=False))


async def read_again(context: GatewayContext, receipt_id: UUID, owner: str, reason: str) -> None:
    """Let an owner's receipt be read again."""

    def write() -> None:
        with context.ledger.session() as session:
            get_receipt(receipt_id, session=session, owner=owner)
            reopen(receipt_id, reason, session=session)

    await asyncio.to_thread(write)
    context.submissions.add(receipt_id)


@router.delete("/receipts/{receipt_id}", status_code=204, response_class=Response, summary="Delete a receipt")
async def delete(receipt_id: UUID, caller: Admin, context: Context) -> None:
    """The original, all results, the expense and Prefect's flow runs go; a line of audit without content stays.

    With the receipt that was read go its duplicates. One that is being read is refused: try again when it is done.
    """
    await remove(context, receipt_id, caller.owner, "deleted through the API")


async def remove(context: GatewayContext, receipt_id: UUID, owner: str, reason: str) -> None:
    """Delete an owner's receipt with all that was made of it."""
    await asyncio.to_thread(_remove, context, receipt_id, owner, reason, asyncio.get_running_loop())


def _remove(
    context: GatewayContext, receipt_id: UUID, owner: str, reason: str, loop: asyncio.AbstractEventLoop
) -> None:
    """Everything goes while the receipt is locked, so that no process can begin on it, and before the commit.

    If Prefect or storage fails, the receipt is still there and the owner can repeat. The other way round, the next
    sweep would find the object and receive it anew.
    """
    with context.ledger.session() as session:
        deletion = delete_receipt(receipt_id, reason, session=session, owner=owner)
        removal = context.orchestrator.remove_runs(deletion.flow_run_ids, deletion.objects)
        asyncio.run_coroutine_threadsafe(removal, loop).result()
        for receipt in deletion.objects:
            context.originals(receipt.bucket).remove(receipt.key, receipt.etag)
        if deletion.results_sha256 is not None:
            context.results.remove_all(f"{deletion.results_sha256}/")
