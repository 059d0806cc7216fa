"""The flow `read-region`: a piece of a receipt's picture is read again where the OCR models are.

The gateway runs it for a person who has drawn a rectangle on the review page, or for the API. Needs the block
`receipt-pipeline/default`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed
from pydantic import Field

from flows.domain.fields import BBox
from flows.ledger.errors import ReceiptNotFoundError
from flows.ledger.receipts import get_receipt, resolve
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline, load_pipeline
from flows.pipeline.region import keep_answer, read_piece
from flows.pipeline.region_reading import RegionReading
from flows.pipeline.retries import task_options
from flows.pipeline.run_outcome import receipt_tag
from flows.pipeline.step_thread import run_in_thread


@task(**task_options("read_piece"))
async def read_piece_again(work: Callable[[], RegionReading]) -> RegionReading:
    """The rectangle's words."""
    return await run_in_thread(work)


@flow(name="read-region", flow_run_name="{receipt}", persist_result=False, validate_parameters=True)
async def read_region(
    receipt: Annotated[str, Field(min_length=1)],
    *,
    left: float,
    top: float,
    right: float,
    bottom: float,
    page: Annotated[int, Field(ge=1)] = 1,
    answer: bool = False,
) -> State[Any]:
    """Read a rectangle of a receipt's picture again, and tell what stands in it. Nothing of the receipt is changed.

    Args:
        receipt: Which receipt: its id or the first 8 characters of it, its expense's id, the file's name, or its key.
        left: The rectangle's left side, in pixels of the upright page from its left.
        top: Its upper side, in pixels from the page's top.
        right: Its right side.
        bottom: Its lower side.
        page: Of the document, counted from 1.
        answer: Keep the words for the gateway, which waits for them.
    """
    pipeline = await load_pipeline()
    try:
        known = await asyncio.to_thread(_find, pipeline, receipt)
    except ReceiptNotFoundError as error:
        return Failed(message=str(error))
    await _tag(known)
    reading = await read_piece_again(partial(read_piece, pipeline, known, page, BBox(left, top, right, bottom)))
    if answer:
        await asyncio.to_thread(keep_answer, pipeline, known, UUID(flow_run.id), reading)
    return Completed(message=reading.problem or reading.text or "Nothing was read there.")


def _find(pipeline: Pipeline, reference: str) -> ReceiptView:
    with pipeline.ledger.session() as session:
        return get_receipt(resolve(reference.strip(), session=session), session=session)


async def _tag(receipt: ReceiptView) -> None:
    """So that the run goes when its receipt is deleted: its message tells what was read."""
    tags = {*flow_run.tags, receipt_tag(receipt.id), f"owner:{receipt.owner}"}
    async with get_client() as client:
        await client.update_flow_run(UUID(flow_run.id), tags=tags)
