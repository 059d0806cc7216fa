"""The ledger's open receipts against Prefect's runs, and Prefect's open runs against the ledger's receipts.

What changed within the last minute is passed over: it is on its way, or recovery is at it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterName,
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun, StateType, TaskRun
from prefect.client.schemas.sorting import FlowRunSort

from flows.flow_runs.submission import DEPLOYMENT
from flows.ledger.database import Ledger
from flows.ledger.receipts import find_running, receipts_of_flow_runs, submitted_unfinished
from flows.ledger.views import ReceiptView, RunningReceipt
from flows.pipeline.process_identity import process_is_gone
from flows.reconciliation.discrepancy import Counts, Discrepancy, Kind

QUIET_SECONDS = 60.0
_PAGE = 200
_WORKED_ON = [StateType.RUNNING, StateType.PENDING, StateType.CANCELLING]
_OPEN_TASKS = [StateType.RUNNING, StateType.PENDING]


async def compare_runs(client: PrefectClient, ledger: Ledger, counts: Counts) -> AsyncIterator[Discrepancy]:
    """All that is open on either side, a page at a time."""
    async for found in _receipts_without_run(client, ledger):
        yield found
    async for found in _receipts_without_process(ledger):
        yield found
    async for found in _runs_without_receipt(client, ledger, counts):
        yield found
    async for found in _tasks_left_open(client):
        yield found


async def _receipts_without_run(client: PrefectClient, ledger: Ledger) -> AsyncIterator[Discrepancy]:
    after = None
    while page := await asyncio.to_thread(_unfinished, ledger, after):
        after = page[-1].id
        runs = {run.id: run for run in await _runs(client, [one.flow_run_id for one in page if one.flow_run_id])}
        for receipt in page:
            if receipt.flow_run_id is None:
                continue
            run = runs.get(receipt.flow_run_id)
            if run is None:
                words = f"It is {receipt.state.value}, and its flow run {receipt.flow_run_id} does not exist."
                yield _of(receipt, Kind.RUN_MISSING, words)
            elif run.state is not None and run.state.is_final() and _is_quiet(run.end_time):
                words = f"It is {receipt.state.value}, and its flow run {run.id} ended {run.state_name}."
                yield _of(receipt, Kind.RUN_OVER, words)


def _of(receipt: ReceiptView, kind: Kind, words: str) -> Discrepancy:
    return Discrepancy(kind, receipt.key, words, receipt_id=receipt.id, run_id=receipt.flow_run_id)


def _unfinished(ledger: Ledger, after: UUID | None) -> list[ReceiptView]:
    with ledger.session() as session:
        return submitted_unfinished(session=session, quiet_seconds=QUIET_SECONDS, limit=_PAGE, after=after)


async def _runs(client: PrefectClient, ids: Sequence[UUID]) -> list[FlowRun]:
    return await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=list(ids))), limit=_PAGE)


async def _receipts_without_process(ledger: Ledger) -> AsyncIterator[Discrepancy]:
    after = None
    while page := await asyncio.to_thread(_running, ledger, after):
        after = page[-1].receipt.id
        for running in page:
            receipt = running.receipt
            gone = running.process is None or await asyncio.to_thread(process_is_gone, running.process)
            if gone and _is_quiet(receipt.updated_at):
                words = f"It is running, but the process of its attempt {receipt.attempt} has ended."
                yield _of(receipt, Kind.PROCESS_GONE, words)


def _running(ledger: Ledger, after: UUID | None) -> list[RunningReceipt]:
    with ledger.session() as session:
        return find_running(session=session, limit=_PAGE, after=after)


async def _runs_without_receipt(client: PrefectClient, ledger: Ledger, counts: Counts) -> AsyncIterator[Discrepancy]:
    offset = 0
    while page := await _worked_on(client, offset):
        offset += len(page)
        counts.open_runs += len(page)
        quiet = [run for run in page if _is_quiet(run.start_time)]
        known = await asyncio.to_thread(_known, ledger, [run.id for run in quiet])
        for run in quiet:
            if run.id not in known:
                words = f"The run {run.id} is {run.state_name} since {run.start_time}, and no receipt is its."
                yield Discrepancy(Kind.RUN_WITHOUT_RECEIPT, run.name, words, run_id=run.id)


async def _worked_on(client: PrefectClient, offset: int) -> list[FlowRun]:
    _, _, name = DEPLOYMENT.partition("/")
    return await client.read_flow_runs(
        deployment_filter=DeploymentFilter(name=DeploymentFilterName(any_=[name])),
        flow_filter=_our_flow(),
        flow_run_filter=_in_states(_WORKED_ON),
        sort=FlowRunSort.ID_DESC,
        limit=_PAGE,
        offset=offset,
    )


def _known(ledger: Ledger, run_ids: Sequence[UUID]) -> set[UUID | None]:
    with ledger.session() as session:
        return {receipt.flow_run_id for receipt in receipts_of_flow_runs(run_ids, session=session)}


async def _tasks_left_open(client: PrefectClient) -> AsyncIterator[Discrepancy]:
    offset = 0
    while page := await _open_tasks(client, offset):
        offset += len(page)
        for task in page:
            if _is_quiet(task.start_time or task.created):
                words = f"Task run {task.id} is {task.state_name}, but its flow run {task.flow_run_id} is over."
                yield Discrepancy(Kind.TASK_LEFT_OPEN, task.name, words, run_id=task.id)


async def _open_tasks(client: PrefectClient, offset: int) -> list[TaskRun]:
    return await client.read_task_runs(
        flow_filter=_our_flow(),
        flow_run_filter=_in_states(sorted(TERMINAL_STATES)),
        task_run_filter=TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_OPEN_TASKS))),
        limit=_PAGE,
        offset=offset,
    )


def _our_flow() -> FlowFilter:
    return FlowFilter(name=FlowFilterName(any_=[DEPLOYMENT.partition("/")[0]]))


def _in_states(types: Sequence[StateType]) -> FlowRunFilter:
    return FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=list(types))))


def _is_quiet(moment: dt.datetime | None) -> bool:
    return moment is not None and (dt.datetime.now(dt.UTC) - moment).total_seconds() > QUIET_SECONDS
