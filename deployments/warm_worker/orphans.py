"""Runs whose worker is gone: found by their claims, resumed as the same flow run; and task runs that nobody ends.

Every worker searches, at its start and every few seconds, more seldom while nothing runs; `alone` lets only one search
at a time. A run whose claimer lives is that worker's matter and is left alone.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
    WorkPoolFilter,
    WorkPoolFilterName,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import get_logger
from prefect.states import Cancelled, Crashed

from deployments.warm_worker.claims import Claim, claim_of
from deployments.warm_worker.process_exit import ExitReason, ProcessExit
from deployments.warm_worker.process_identity import process_is_gone
from deployments.warm_worker.recovery import resume
from deployments.warm_worker.worker_heartbeats import WorkerHeartbeats

INTERVAL_SECONDS = 2.0
IDLE_SECONDS = 10.0  # when the last search found no run at work: other hosts' are given up after 45 s anyway
_TASKS_SECONDS = 10.0
_LOST_TRACK_SECONDS = 5.0  # a run that is ours by its claim, but not in hand: its end could not be reported
_TASK_GRACE_SECONDS = 20.0  # task runs report by events, which may arrive after their flow run's end
_PAGE = 200
_AT_ONCE = 8
_ACTIVE = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
_UNENDED = [StateType.PENDING, StateType.RUNNING]
_ENDED = [StateType.COMPLETED, StateType.FAILED, StateType.CRASHED, StateType.CANCELLED]
_NEVER = 1_000_000  # a worker's exit is never the run's fault

Alone = Callable[[], AbstractAsyncContextManager[bool]]


class Orphans:
    """Looks after the runs of one work pool. `is_executing` tells those that this worker carries out itself."""

    def __init__(
        self,
        client: PrefectClient,
        pool_name: str,
        is_executing: Callable[[UUID], bool],
        on_resumed: Callable[[UUID], None],
    ) -> None:
        self._client, self._pool_name = client, pool_name
        self._is_executing, self._on_resumed = is_executing, on_resumed
        self._heartbeats = WorkerHeartbeats(client, pool_name)
        self._logger = get_logger("worker.orphans")
        self._limiter = asyncio.Semaphore(_AT_ONCE)
        self.has_searched = asyncio.Event()  # once, whether or not it could see anything

    async def run(self, alone: Alone) -> None:
        """Search for ever; a server that is away is asked again the next time."""
        tasks_looked_at = -_TASKS_SECONDS
        while True:
            pause = INTERVAL_SECONDS
            try:
                await self._heartbeats.look_if_due()
                async with alone() as mine:
                    if mine:
                        tasks_due = time.monotonic() - tasks_looked_at >= _TASKS_SECONDS
                        pause = INTERVAL_SECONDS if await self._search(with_tasks=tasks_due) else IDLE_SECONDS
                        tasks_looked_at = time.monotonic() if tasks_due else tasks_looked_at
            except (httpx.HTTPError, ObjectNotFound, TimeoutError) as error:
                self._logger.warning("Cannot look for orphaned runs (%r); trying again", error)
            self.has_searched.set()
            await asyncio.sleep(pause)

    async def _search(self, *, with_tasks: bool) -> int:
        """All side by side, and only then the worker is notified: else a sweep took the place of the second.

        Returns:
            how many runs are at work, whoever's.
        """
        active = await self._active()
        orphaned = [flow_run for flow_run in active if not self._is_executing(flow_run.id)]
        resumed = await asyncio.gather(*map(self._resume_if_orphaned, orphaned), return_exceptions=True)
        for flow_run, is_due in zip(orphaned, resumed, strict=True):
            if is_due is True:
                self._on_resumed(flow_run.id)
        if failed := [one for one in resumed if isinstance(one, BaseException)]:
            raise failed[0]
        if with_tasks:
            await self._end_task_runs()
        return len(active)

    async def _active(self) -> list[FlowRun]:
        """All active runs. One that a page misses because others ended meanwhile is found by the next search."""
        state = FlowRunFilterState(type=FlowRunFilterStateType(any_=_ACTIVE))
        found: dict[UUID, FlowRun] = {}
        offset = 0
        while True:
            page = await self._client.read_flow_runs(
                flow_run_filter=FlowRunFilter(state=state),
                work_pool_filter=WorkPoolFilter(name=WorkPoolFilterName(any_=[self._pool_name])),
                sort=FlowRunSort.ID_DESC,
                limit=_PAGE,
                offset=offset,
            )
            found |= {flow_run.id: flow_run for flow_run in page}
            offset += len(page)
            if len(page) < _PAGE:
                return list(found.values())

    async def _resume_if_orphaned(self, flow_run: FlowRun) -> bool:
        """Whether it was orphaned and is resumed."""
        async with self._limiter:
            claim = await claim_of(self._client, flow_run)
            return claim is not None and self._is_gone(claim, flow_run) and await self._resume(flow_run, claim)

    async def _resume(self, flow_run: FlowRun, claim: Claim) -> bool:
        if flow_run.state is not None and flow_run.state.is_cancelling():
            cancelled: State[Any] = Cancelled(message="The run was cancelled; its process is gone.")
            await self._client.set_flow_run_state(flow_run.id, cancelled, force=True)
            return False
        process_exit = ProcessExit(ExitReason.LOST, detail=f"its worker {claim.worker} is gone")
        if not await resume(self._client, flow_run.id, process_exit, exits=0, max_attempts=_NEVER):
            return False
        self._logger.info("Resumed flow run %s: %s", flow_run.id, process_exit)
        return True

    def _is_gone(self, claim: Claim, flow_run: FlowRun) -> bool:
        if claim.is_mine:
            return not self._is_executing(flow_run.id) and _age_seconds(flow_run) > _LOST_TRACK_SECONDS
        return process_is_gone(claim.process, self._heartbeats.silence(claim.worker))

    async def _end_task_runs(self) -> None:
        """Report task runs as crashed that are unended long after their flow run ended: their last event was lost."""
        unended = await self._client.read_task_runs(
            flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_ENDED))),
            task_run_filter=TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_UNENDED))),
            limit=_PAGE,
        )
        now = dt.datetime.now(dt.UTC)
        for task_run in unended:
            since = task_run.state.timestamp if task_run.state else now
            if (now - since).total_seconds() > _TASK_GRACE_SECONDS:
                crashed: State[Any] = Crashed(message="Its flow run has ended; its own end was not reported.")
                await self._client.set_task_run_state(task_run.id, crashed, force=True)


def _age_seconds(flow_run: FlowRun) -> float:
    if flow_run.state is None:
        return 0.0
    return (dt.datetime.now(dt.UTC) - flow_run.state.timestamp).total_seconds()
