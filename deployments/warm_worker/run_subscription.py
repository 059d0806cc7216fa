"""Hearing from the server at once that a run is due, was cancelled or was suspended: one subscription for a worker.

Prefect's event stream brings a new run some 50 ms after it was created, whoever created it, so polling can be slow.
Prefect's own observer of cancellations gives up for good after some failures; this one reconnects for ever, and
reads the states of the worker's runs whenever it does, and now and then, so that nothing said during an outage or
dropped by a busy server is missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter
from prefect.logging.loggers import get_logger

_RECONNECT_SECONDS = 1.0
_LOOK_SECONDS = 10.0
_PREFIX = "prefect.flow-run."
_DUE = [f"{_PREFIX}{name}" for name in ("Scheduled", "AwaitingRetry", "Resuming")]
_INTERRUPTED = [f"{_PREFIX}{name}" for name in ("Cancelling", "Suspended")]


class RunSubscription:
    """Calls `on_due()` when a run of the work pool was scheduled, `on_interrupted(run)` when one in hand was."""

    def __init__(
        self,
        client: PrefectClient,
        work_pool_id: UUID,
        executing: Collection[UUID],
        *,
        on_due: Callable[[], None],
        on_interrupted: Callable[[FlowRun], None],
    ) -> None:
        self._client = client
        self._executing = executing
        self._on_due = on_due
        self._on_interrupted = on_interrupted
        self._logger = get_logger("worker.watching")
        self._filter = EventFilter(
            event=EventNameFilter(name=[*_DUE, *_INTERRUPTED]),
            any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{work_pool_id}"]),
        )

    async def run(self) -> None:
        """Watch for ever."""
        await asyncio.gather(self._listen(), self._check_periodically())

    async def _check_periodically(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._check(list(self._executing))
            except httpx.HTTPError as error:
                self._logger.warning("Cannot read the states of the runs in hand (%r); trying again", error)

    async def _listen(self) -> None:
        while True:
            try:
                await self._follow()
            except Exception as error:
                self._logger.warning("Lost the event stream (%r); reconnecting", error)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _follow(self) -> None:
        async with get_events_subscriber(filter=self._filter, reconnection_attempts=0) as events:
            self._on_due()
            await self._check(list(self._executing))
            async for event in events:
                flow_run_id = UUID(event.resource.id.removeprefix(_PREFIX))
                if event.event in _DUE:
                    self._on_due()
                elif flow_run_id in self._executing:
                    await self._check([flow_run_id])

    async def _check(self, flow_run_ids: list[UUID]) -> None:
        if not flow_run_ids:
            return
        found = await self._client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=flow_run_ids)))
        for flow_run in found:
            if flow_run.state and (flow_run.state.is_cancelling() or flow_run.state.is_paused()):
                self._on_interrupted(flow_run)
