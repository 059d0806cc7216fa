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
from flows.ledger.errors import WrongStateError
from flows.ledger.receipts import delete_receipt, get_receipt, reopen
from flows.ledger.schema import State
from flows.ledger.views import ReceiptView

_CONFLICT: dict[int | str, dict[str, Any]] = {409: {**RESPONSES[404], "description": "It is being worked on just now."}}
router = APIRouter(tags=["receipts"], responses=RESPONSES | _CONFLICT)


@router.post("/receipts/{receipt_id}/retry", status_code=202, summary="Read a receipt again")
async def retry(receipt_id: UUID, caller: Admin, context: Context) -> AcceptedReceipt:
    """Whatever became of it is kept until the new reading ends; there is still at most one expense."""
    await asyncio.to_thread(_reopen, context, receipt_id, caller.owner)
    context.submissions.add(receipt_id)
    return AcceptedReceipt.of(Accepted(receipt_id, None, State.WAITING, duplicate=False))


def _reopen(context: GatewayContext, receipt_id: UUID, owner: str) -> None:
    with context.ledger.session() as session:
        get_receipt(receipt_id, session=session, owner=owner)
        reopen(receipt_id, "retried through the API", session=session)


@router.delete("/receipts/{receipt_id}", status_code=204, response_class=Response, summary="Delete a receipt")
async def delete(receipt_id: UUID, caller: Admin, context: Context) -> None:
    """The original, all results, the expense and Prefect's artifacts go; a line of audit without content stays.

    With the receipt that was read go its duplicates. One that is being read is refused: try again when it is done.
    """
    receipt = await asyncio.to_thread(_deletable, context, receipt_id, caller.owner)
    await context.orchestrator.remove_artifacts(receipt_id)
    gone = await asyncio.to_thread(_delete, context, receipt_id, caller.owner)
    for one in gone:
        if one.flow_run_id is not None and one.state is State.WAITING:
            await context.orchestrator.cancel(one.flow_run_id)
        if one.id != receipt.id:
            await context.orchestrator.remove_artifacts(one.id)


def _deletable(context: GatewayContext, receipt_id: UUID, owner: str) -> ReceiptView:
    with context.ledger.session() as session:
        receipt = get_receipt(receipt_id, session=session, owner=owner)
    # Its process would go on and put results back into the bucket after they were removed.
    if receipt.state is State.RUNNING:
        raise WrongStateError(receipt_id, receipt.state, "wait for its end, then delete it")
    return receipt


def _delete(context: GatewayContext, receipt_id: UUID, owner: str) -> tuple[ReceiptView, ...]:
    # The objects go before the transaction commits: if storage fails, the receipt is still there and the owner can
    # repeat. The other way round, the next sweep would find the object and receive it anew.
    with context.ledger.session() as session:
        deletion = delete_receipt(receipt_id, "deleted through the API", session=session, owner=owner)
        for receipt in deletion.objects:
            context.originals(receipt.bucket).remove(receipt.key, receipt.etag)
        if deletion.results_sha256 is not None:
            context.kept.remove_all(f"{deletion.results_sha256}/")
    return deletion.objects
