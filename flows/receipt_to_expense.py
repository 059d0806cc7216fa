"""The flow `receipt-to-expense`: one receipt from the inbox bucket becomes one expense, or a question to a person.

Order: extract_text → parse_receipt → record_expense → notify_owner. Tasks are thin wrappers around the plain
functions of `flows.pipeline.steps`; their retries are the table in `flows.pipeline.retries`. Needs the block
`receipt-pipeline/default`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any
from uuid import UUID

from prefect import flow, get_run_logger, task
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.settings import PREFECT_LOCAL_STORAGE_PATH
from prefect.states import Completed
from pydantic import Field

from flows.domain.errors import ReceiptflowError, UnreadableError
from flows.domain.owners import owner_of
from flows.domain.pages import receipt_page
from flows.flow_runs.manual_retry import was_retried
from flows.flow_runs.submission import PIPELINE_VERSION
from flows.pipeline import artifacts, run_outcome, steps
from flows.pipeline.configuration import load_pipeline
from flows.pipeline.heartbeats import heartbeats
from flows.pipeline.notify_owner import send_notifications
from flows.pipeline.previews import preview_key
from flows.pipeline.retries import task_options
from flows.pipeline.step_thread import run_in_thread
from flows.pipeline.steps import ReceiptRun, RunRequest

Key = Annotated[str, Field(min_length=1)]


@task(**task_options("extract_text"))
async def extract_text(receipt: ReceiptRun) -> State[Any]:
    """Object → pages → words with boxes and confidence."""
    return await _run(steps.extract, receipt)


@task(**task_options("parse_receipt"))
async def parse_receipt(receipt: ReceiptRun) -> State[Any]:
    """Words → fields with confidence."""
    return await _run(steps.parse, receipt)


@task(**task_options("record_expense"))
async def record_expense(receipt: ReceiptRun) -> State[Any]:
    """Fields → one expense, or review or quarantine, in one transaction."""
    return await _run(steps.record, receipt)


@task(**task_options("notify_owner"))
async def notify_owner(receipt: ReceiptRun) -> State[Any]:
    """Notify the owner "expense ready" or "needs your eye", once."""
    return _state_of(await send_notifications(receipt))


async def _run(step: Callable[[ReceiptRun], bool], receipt: ReceiptRun) -> State[Any]:
    # In a thread, so that the process goes on sending heartbeats while OCR computes.
    return _state_of(await run_in_thread(partial(step, receipt)))


def _state_of(found_durable: bool) -> State[Any]:
    return Completed(name="Cached", message="Its output was durable already.") if found_durable else Completed()


@flow(
    name="receipt-to-expense",
    version=PIPELINE_VERSION,
    flow_run_name="{key}",
    persist_result=False,
    # Never written to, as steps keep their own output. Without it the engine asks the server for the default storage,
    # in each run twice, with a new synchronous client: a quarter of what reading costs.
    result_storage=PREFECT_LOCAL_STORAGE_PATH.value(),
    validate_parameters=True,
)
async def receipt_to_expense(key: Key, bucket: str = "", owner: str = "", force: bool = False) -> State[Any]:
    """One receipt from the inbox becomes one expense, exactly once, however often this is run.

    Args:
        key: Object key in the inbox bucket, for example acme/2026-11/lunch.jpg.
        bucket: Bucket that holds the object. Empty: the pipeline's inbox.
        owner: Whose expense it is. Empty: the key's first folder, or "default" where it has none.
        force: Read it again although it is done. It stays one expense.
    """
    receipt = await _open(key, bucket, owner, force)
    async with heartbeats(receipt):
        try:
            await extract_text(receipt)
            if not receipt.is_decided:
                await parse_receipt(receipt)
        except UnreadableError as refusal:
            receipt.refuse(refusal)
        if not receipt.is_decided:
            await record_expense(receipt)
            await _show(receipt)
        if receipt.has_unsent:
            await notify_owner(receipt)
        return await _finish(receipt)


async def _open(key: str, bucket: str, owner: str, force: bool) -> ReceiptRun:
    run_id = UUID(flow_run.id)
    retried = await was_retried(run_id, flow_run.run_count)
    request = RunRequest(key, bucket or None, owner or owner_of(key), force, flow_run_id=run_id, retried=retried)
    return ReceiptRun(request, await load_pipeline())


async def _show(receipt: ReceiptRun) -> None:
    """Attach the artifacts. They are for reading only: without them the expense stands all the same."""
    outcome = receipt.outcome
    title = artifacts.summary_key(receipt.receipt.key, outcome.receipt_id)
    try:
        markdown, picture = await asyncio.to_thread(_artifacts_of, receipt)
        await artifacts.publish(title, run_outcome.in_words(outcome), markdown, picture)
    except (ReceiptflowError, OSError) as error:
        get_run_logger().warning("The run's artifacts could not be made: %s", error)


def _artifacts_of(receipt: ReceiptRun) -> tuple[str, bytes | None]:
    outcome, request = receipt.outcome, receipt.request
    address = receipt_page(receipt.pipeline.public_url, outcome.receipt_id)
    markdown = artifacts.summary(
        key=request.key,
        owner=request.owner,
        outcome=outcome.name.capitalize(),
        message=outcome.message,
        fields=receipt.fields,
        page=address,
    )
    if address or receipt.fields is None or receipt.text is None:  # the page shows the picture with the fields
        return markdown, None
    preview = receipt.preview or receipt.pipeline.results.get(preview_key(receipt.text.sha256))
    if preview is None:
        return markdown, None
    page = receipt.text.pages[0]
    return markdown, artifacts.annotated_picture(preview, (page.width, page.height), receipt.fields)


async def _finish(receipt: ReceiptRun) -> State[Any]:
    outcome = receipt.outcome
    key, idle = receipt.request.key, not receipt.has_attempt
    await run_outcome.label(UUID(flow_run.id), outcome, key, flow_run.tags, idle=idle)
    return run_outcome.final_state(outcome)
