"""The warm worker: a Prefect worker whose runs execute in processes that have everything imported already.

It polls for as many runs as it has free processes, claims each (`Pending`), and has it carried out. It ends on
SIGTERM or SIGINT only, after the runs that it has; neither a run nor an absent server can end it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import httpx
from anyio.abc import TaskStatus
from prefect.client.schemas.filters import WorkPoolFilter, WorkPoolFilterName
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import WorkerFlowRunResponse
from prefect.events import emit_event
from prefect.exceptions import Abort
from prefect.settings import PREFECT_WORKER_QUERY_SECONDS
from prefect.states import Pending
from prefect.utilities.engine import propose_state
from prefect.workers.base import BaseWorker

from deployments.warm_worker.background import BackgroundServices, Service
from deployments.warm_worker.claims import claim_message
from deployments.warm_worker.compat import WorkerInternals
from deployments.warm_worker.configuration import (
    WarmJobConfiguration,
    WarmVariables,
    WarmWorkerResult,
    from_template,
    pool_default,
)
from deployments.warm_worker.errors import ConfigurationError
from deployments.warm_worker.master_link import MasterLink
from deployments.warm_worker.orphans import Orphans
from deployments.warm_worker.pool import ProcessPool
from deployments.warm_worker.pool_lock import PoolLock
from deployments.warm_worker.prefetch import PREFETCHED_RUNS, Prefetch
from deployments.warm_worker.process_exit import ExitReason, ProcessExit
from deployments.warm_worker.process_identity import HEARTBEAT_SECONDS
from deployments.warm_worker.recovery import persistently, requeue
from deployments.warm_worker.refusals import Refusals, cancel_if_undeployed
from deployments.warm_worker.run_executor import RunExecutor
from deployments.warm_worker.run_subscription import RunSubscription
from deployments.warm_worker.signals import stopping_on_signals

_AFTER_ERROR_SECONDS = 1.0
_DRAIN_SECONDS = 20.0  # what still runs then is killed and resumed by the next worker
_LAST_REPORTS_SECONDS = 5.0
_WARM_SECONDS = 3.0
_FIRST_SEARCH_SECONDS = 5.0
_RESUMED_SECONDS = 60.0  # so long a resumed run goes before others; then another worker has it, or nobody can


class WarmWorker(BaseWorker[WarmJobConfiguration, WarmVariables, WarmWorkerResult]):
    """Executes flow runs in warm processes on this machine."""

    type = "warm"
    job_configuration = WarmJobConfiguration
    job_configuration_variables = WarmVariables
    _display_name = "Warm processes"
    _description = (
        "Execute flow runs in processes that have everything imported and stay warm from run to run."
        " A run whose process dies is resumed by itself."
    )

    def __init__(
        self, work_pool_name: str, *, limit: int | None = None, master: MasterLink | None = None, **kwargs: Any
    ) -> None:
        # The limit is the number of processes. The base class's limiter is not used: a run that is resumed
        # while its slot is still held makes it raise, which ends the worker.
        wanted = kwargs.pop("heartbeat_interval_seconds", None) or HEARTBEAT_SECONDS
        # Prefect's 30 s would have others wait for minutes, or take one that misses a heartbeat for dead.
        interval = min(wanted, HEARTBEAT_SECONDS)
        super().__init__(work_pool_name, limit=None, heartbeat_interval_seconds=interval, **kwargs)
        self._internals = WorkerInternals(self)
        self._internals.disable_cancellation_observer()
        self._size = limit
        self._master = master
        self._wake = asyncio.Event()
        self._draining = asyncio.Event()
        self._backlog = False
        self._prefetch = Prefetch()
        self._refusals = Refusals()
        self._running: set[asyncio.Task[None]] = set()
        self._resumed: dict[UUID, float] = {}  # when, by the run

    async def recover(self, flow_run_id: UUID, process_exit: ProcessExit) -> None:
        """Called for each run whose process died; a subclass may do more before or instead. Default: resume the run."""
        await self._executor.resume(flow_run_id, process_exit)
        self._on_resumed(flow_run_id)

    async def start(
        self, run_once: bool = False, with_healthcheck: bool = False, printer: Callable[..., None] = print
    ) -> None:
        """Work until told to stop, then finish what runs. `run_once`: take what is due, finish it, return."""
        if with_healthcheck:
            raise NotImplementedError("use `prefect worker start --with-healthcheck`, which serves it itself")
        with stopping_on_signals(self.drain):
            async with self:
                await self._until_synced()
                if self._draining.is_set():
                    return
                async with await self._open_pool() as self._pool:
                    self._executor = RunExecutor(self.client, self._pool, self.recover)
                    self._pool_lock = PoolLock(self.client, self._internals.pool_name)
                    self._orphans = Orphans(self.client, self._internals.pool_name, self.is_executing, self._on_resumed)
                    await self._internals.emit_started_event()
                    printer(f"Worker {self.name!r} started!")
                    await (self._work_once() if run_once else self._work())
                await self._await_last_reports()
        printer(f"Worker {self.name!r} stopped!")

    async def run(
        self,
        flow_run: FlowRun,
        configuration: WarmJobConfiguration,
        task_status: TaskStatus[int] | None = None,
    ) -> WarmWorkerResult:
        """Not how this worker executes runs: they outlive the submission that Prefect's base class tracks."""
        raise NotImplementedError("the warm worker takes runs from its work pool only")

    def drain(self) -> None:
        """Take no new runs; `start` returns once the present ones have ended."""
        self._draining.set()
        self._wake.set()

    async def get_and_submit_flow_runs(self) -> list[FlowRun]:
        """Claim as many due runs as there are free processes, by queue priority, and none to hold in hand."""
        free = 0 if self._draining.is_set() or not self._internals.is_synced else self._free
        if free <= 0:
            return []
        due = await self._first_due(free)
        self._internals.note_poll()
        self._backlog = len(due) == free
        for flow_run in due:
            self._internals.claimed_runs.add(flow_run.id)
            task = asyncio.create_task(self._take(flow_run))
            self._running.add(task)
            task.add_done_callback(self._on_end)
        return due

    async def _first_due(self, free: int) -> list[FlowRun]:
        """The runs to claim now: those that were cut off go before all others, whatever queue these are in."""
        since = time.monotonic() - _RESUMED_SECONDS
        self._resumed = {run_id: at for run_id, at in self._resumed.items() if at > since}
        # While a run is to be resumed the server is asked each time: no event says when it becomes due.
        if not self._resumed and (known := self._prefetch.take(free)):
            return known
        asked = self._prefetch.asking()
        # What is to be resumed may be behind a sweep's runs.
        more = bool(self._resumed) or (self._backlog and self._prefetch.is_worthwhile)
        # Runs that the server refuses stay due, the oldest in front: nothing behind them would ever be asked for.
        refused = self._refusals.recent()
        wanted = free + len(refused) + (PREFETCHED_RUNS if more else 0)
        passed_over = refused | self._internals.claimed_runs
        due = [entry.flow_run for entry in await self._due(wanted) if entry.flow_run.id not in passed_over]
        due.sort(key=lambda flow_run: flow_run.id not in self._resumed)
        for flow_run in due[:free]:
            self._resumed.pop(flow_run.id, None)
        self._prefetch.keep(due[free:], asked)
        return due[:free]

    def _on_due(self) -> None:
        """A run has become due, and may go before those that were prefetched."""
        self._prefetch.forget()
        self._wake.set()

    def _on_resumed(self, flow_run_id: UUID) -> None:
        """The run is due again: poll now, and as soon as a process is free."""
        self._resumed[flow_run_id] = time.monotonic()
        self._refusals.forget(flow_run_id)
        self._backlog = True
        self._on_due()

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        if self._backlog:
            self._wake.set()

    @property
    def _free(self) -> int:
        return self._pool.size - len(self._running)

    async def _due(self, limit: int) -> list[WorkerFlowRunResponse]:
        """What is due, at most `limit`: the client's own method cannot be given a limit."""
        body = {
            "work_queue_names": self._internals.queue_names,
            "scheduled_before": str(dt.datetime.now(dt.UTC) + self._internals.lookahead),
            "limit": limit,
        }
        response = await self.client.request(
            "POST",
            "/work_pools/{name}/get_scheduled_flow_runs",
            path_params={"name": self._internals.pool_name},
            json=body,
        )
        return [WorkerFlowRunResponse.model_validate(entry) for entry in response.json()]

    async def _take(self, flow_run: FlowRun) -> None:
        """Claim a run and carry it out. Whatever goes wrong is this run's matter: it never ends the worker."""
        try:
            if await self._claim(flow_run):
                await self._executor.execute(flow_run, self.work_pool, self.name, self.backend_id)
        except Exception as error:
            self.get_flow_run_logger(flow_run).exception("The worker failed to carry out flow run %s", flow_run.id)
            await self.recover(flow_run.id, ProcessExit(ExitReason.LOST, detail=f"the worker failed: {error!r}"))
        finally:
            self._internals.claimed_runs.discard(flow_run.id)

    async def _claim(self, flow_run: FlowRun) -> bool:
        """Make the run ours: of several workers that try, the server lets one set it to Pending."""
        claim: State[Any] = Pending(message=claim_message(self.name))
        try:
            state = await propose_state(self.client, claim, flow_run_id=flow_run.id)
        except Abort as refusal:
            self._logger.info("Flow run %s is not ours: %s", flow_run.id, refusal)
            self._prefetch.refused()
            self._refusals.note(flow_run.id)
            await cancel_if_undeployed(self.client, self._executor.records, flow_run)
            return False
        except httpx.HTTPError:
            self._logger.warning("Whether flow run %s is ours is not known; giving it back", flow_run.id)
            await requeue(self.client, flow_run.id, str(claim.message))
            return False
        flow_run.state = state
        return state.is_pending()

    async def _until_synced(self) -> None:
        while not self._internals.is_synced and not self._draining.is_set():
            await asyncio.sleep(_AFTER_ERROR_SECONDS)
            await self._sync()

    async def _sync(self) -> None:
        try:
            await self._internals.sync()
        except httpx.HTTPError as error:
            self._logger.warning("Cannot reach the server (%r); trying again", error)

    async def _open_pool(self) -> ProcessPool:
        """Make the processes ready for what the pool's deployments run, before the first run comes."""
        pool_filter = WorkPoolFilter(name=WorkPoolFilterName(any_=[self._internals.pool_name]))
        deployments = await persistently(partial(self.client.read_deployments, work_pool_filter=pool_filter))
        entrypoints = {deployment.entrypoint or "" for deployment in deployments}
        modules = {entrypoint.rpartition(".")[0] for entrypoint in entrypoints if ":" not in entrypoint} - {""}
        return ProcessPool(self._wanted_size(), sorted(modules), self._master)

    def _wanted_size(self) -> int:
        configured = pool_default(self.work_pool.base_job_template, "processes")
        return int(self._size or configured or os.cpu_count() or 1)

    async def _work(self) -> None:
        subscription = RunSubscription(
            self.client,
            self.work_pool.id,
            self._internals.claimed_runs,
            on_due=self._on_due,
            on_interrupted=self._on_interrupted,
        )
        services = BackgroundServices(self._logger, self._on_service_failure)
        for name, service in {"subscription": subscription.run, **self.services()}.items():
            services.start(name, service)
        try:
            # Else what waits would take the places of the runs that the last worker had begun.
            with suppress(TimeoutError):
                await asyncio.wait_for(self._orphans.has_searched.wait(), timeout=_FIRST_SEARCH_SECONDS)
            while not self._draining.is_set():
                await self._poll_and_wait()
            await self._finish_running()
        finally:
            await services.stop()

    def services(self) -> dict[str, Service]:
        """What goes on beside the runs until the worker is told to stop, by name; a subclass may add to it.

        A service that ends is started again.
        """
        life: dict[str, Service] = {"master_heartbeat": self._master.heartbeat} if self._master else {}
        orphans = partial(self._orphans.run, self.alone)
        return {**life, "heartbeat": self._keep_synced, "warm_processes": self._keep_warm, "orphans": orphans}

    def _on_service_failure(self, name: str, error: str) -> None:
        """Tell it as an event, which the UI shows and an automation can act on."""
        emit_event(
            event="warm-worker.service.failed",
            resource={"prefect.resource.id": f"warm-worker.service.{name}", "prefect.resource.name": name},
            related=[
                {"prefect.resource.id": f"prefect.work-pool.{self.work_pool.id}", "prefect.resource.role": "pool"}
            ],
            payload={"worker": self.name, "service": name, "error": error},
        )

    def is_executing(self, flow_run_id: UUID) -> bool:
        """Whether this worker carries out the run just now."""
        return flow_run_id in self._internals.claimed_runs

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Whether this worker alone may look after orphans now. Default: by a concurrency limit of Prefect."""
        async with self._pool_lock.held() as mine:
            yield mine

    async def _work_once(self) -> None:
        await self.get_and_submit_flow_runs()
        await self._finish_running()

    async def _keep_synced(self) -> None:
        while True:
            await asyncio.sleep(self.heartbeat_interval_seconds)
            await self._sync()
            self._pool.size = self._wanted_size()

    async def _keep_warm(self) -> None:
        """Keep processes ready for what most runs need, the pool's own defaults; also after the code has changed."""
        while True:
            try:
                configuration = await from_template(self.work_pool.base_job_template, {}, self.client)
                configuration.prepare_for_flow_run(FlowRun(flow_id=uuid4()))
                await self._pool.warm(configuration.spec(), idle_seconds=configuration.idle_time_limit_seconds)
            except (OSError, httpx.HTTPError, ConfigurationError) as error:
                self._logger.warning("No processes could be made ready (%r); trying again", error)
            await asyncio.sleep(_WARM_SECONDS)

    def _on_interrupted(self, flow_run: FlowRun) -> None:
        if flow_run.state and flow_run.state.is_cancelling():
            self._executor.cancel(flow_run.id)
        else:
            self._executor.suspend(flow_run)

    async def _poll_and_wait(self) -> None:
        self._wake.clear()
        pause = PREFECT_WORKER_QUERY_SECONDS.value()
        try:
            await self.get_and_submit_flow_runs()
        except httpx.HTTPError as error:
            self._logger.warning("Cannot poll for flow runs (%r); trying again", error)
            pause = _AFTER_ERROR_SECONDS
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout=pause)

    async def _finish_running(self) -> None:
        if self._running:
            self._logger.info("Finishing %s run(s)", len(self._running))
            await asyncio.wait(self._running, timeout=_DRAIN_SECONDS)

    async def _await_last_reports(self) -> None:
        """Let the runs that were killed at the end of the drain be reported, if the server is there."""
        if self._running:
            _, unreported = await asyncio.wait(self._running, timeout=_LAST_REPORTS_SECONDS)
            for task in unreported:
                task.cancel()
