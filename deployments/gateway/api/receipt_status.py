"""Routes that show what becomes of a receipt: now, when it is done, or live as server-sent events."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from sse_starlette import EventSourceResponse, ServerSentEvent

from deployments.gateway.api.decision_schemas import Reading
from deployments.gateway.api.receipt_schemas import ReceiptInFull
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Reader
from deployments.gateway.http.problems import RESPONSES
from deployments.gateway.services.change_watcher import Watch
from flows.ledger.decisions import ReviewItem, review_item
from flows.ledger.errors import ReceiptNotFoundError
from flows.ledger.receipts import show_receipt
from flows.ledger.schema import FINAL_STATES
from flows.ledger.views import ReceiptDetail

router = APIRouter(tags=["receipts"], responses=RESPONSES)
LONGEST_WAIT_SECONDS = 60
_STREAM_SECONDS = 900.0
_PING_SECONDS = 15

Wait = Annotated[
    int,
    Query(ge=0, le=LONGEST_WAIT_SECONDS, description="Answer when it is processed, or after these seconds."),
]


@router.get("/receipts/{receipt_id}", summary="What became of a receipt")
async def get_receipt(receipt_id: UUID, caller: Reader, context: Context, wait: Wait = 0) -> ReceiptInFull:
    """Its state in words, history, steps with attempts and times, and the expense if there is one."""
    detail = await read_detail(context, receipt_id, caller.owner)
    if wait and detail.state not in FINAL_STATES:
        context.watcher.require_room(caller.key_id)
        with context.watcher.watch(receipt_id, caller.key_id) as watch:
            detail = await _when_final(context, receipt_id, caller.owner, watch, wait)
    return await in_full(context, detail)


async def _when_final(
    context: GatewayContext, receipt_id: UUID, owner: str, watch: Watch, seconds: float
) -> ReceiptDetail:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while True:
        detail = await read_detail(context, receipt_id, owner)
        if detail.state in FINAL_STATES or not await watch.changed(deadline - loop.time()):
            return detail


async def read_detail(context: GatewayContext, receipt_id: UUID, owner: str) -> ReceiptDetail:
    """Everything that the ledger knows of an owner's receipt."""

    def read() -> ReceiptDetail:
        with context.ledger.session() as session:
            return show_receipt(receipt_id, session=session, owner=owner)

    return await asyncio.to_thread(read)


async def in_full(context: GatewayContext, detail: ReceiptDetail) -> ReceiptInFull:
    """The answer for one receipt, with what was read from it, and its steps from Prefect."""

    def read() -> ReviewItem:
        with context.ledger.session() as session:
            return review_item(detail.id, session=session)

    reading = Reading.of(await asyncio.to_thread(read))
    return ReceiptInFull.in_full(detail, await context.orchestrator.steps(detail.flow_run_id), reading)


@router.get(
    "/receipts/{receipt_id}/events",
    summary="Follow a receipt live",
    response_class=EventSourceResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "One `receipt` event a change, then `end`."}},
)
async def follow_receipt(receipt_id: UUID, caller: Reader, context: Context) -> EventSourceResponse:
    """Each event's data is what `GET /receipts/{receipt_id}` answers at that moment; the stream ends with `end`."""
    await read_detail(context, receipt_id, caller.owner)  # a stranger's id is refused before the stream begins
    context.watcher.require_room(caller.key_id)

    async def events() -> AsyncIterator[ServerSentEvent]:
        with context.watcher.watch(receipt_id, caller.key_id) as watch:
            async for event in _events(context, receipt_id, caller.owner, watch):
                yield event

    return EventSourceResponse(events(), ping=_PING_SECONDS, headers={"Cache-Control": "no-store"})


async def _events(
    context: GatewayContext, receipt_id: UUID, owner: str, watch: Watch
) -> AsyncIterator[ServerSentEvent]:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _STREAM_SECONDS
    sent_at: dt.datetime | None = None
    while True:
        try:
            detail = await read_detail(context, receipt_id, owner)
        except ReceiptNotFoundError:
            yield ServerSentEvent(event="end", data="deleted")
            return
        if detail.updated_at != sent_at:
            sent_at = detail.updated_at
            answer = await in_full(context, detail)
            yield ServerSentEvent(event="receipt", data=answer.model_dump_json(), id=sent_at.isoformat())
        if detail.state in FINAL_STATES:
            yield ServerSentEvent(event="end", data=detail.state.value)
            return
        if not await watch.changed(deadline - loop.time()):
            yield ServerSentEvent(event="end", data="timeout")
            return
