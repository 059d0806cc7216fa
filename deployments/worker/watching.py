"""Hearing from the server that a run was cancelled or suspended: one subscription for all runs of a worker.

Prefect's own observer gives up for good after some failures. This one reconnects for ever, and reads the states of
the worker's runs whenever it does, so that nothing said during an outage is missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import FlowRun
from prefect.events.clients import get_events_subscriber
from prefect.events.filters import EventAnyResourceFilter, EventFilter, EventNameFilter
from prefect.logging.loggers import get_logger

_RECONNECT_SECONDS = 1.0
_PREFIX = "prefect.flow-run."


class RunWatch:
    """Calls `on_change(flow_run)` for each of the worker's runs that was cancelled or suspended."""

    def __init__(
        self,
        client: PrefectClient,
        work_pool_id: UUID,
        in_hand: Collection[UUID],
        on_change: Callable[[FlowRun], None],
    ) -> None:
        self._client = client
        self._in_hand = in_hand
        self._on_change = on_change
        self._logger = get_logger("worker.watching")
        self._filter = EventFilter(
            event=EventNameFilter(name=[f"{_PREFIX}Cancelling", f"{_PREFIX}Suspended"]),
            any_resource=EventAnyResourceFilter(id=[f"prefect.work-pool.{work_pool_id}"]),
        )

    async def run(self) -> None:
        """Watch for ever."""
        while True:
            try:
                await self._follow()
            except Exception as error:
                self._logger.warning("Lost the event stream (%r); reconnecting", error)
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def _follow(self) -> None:
        async with get_events_subscriber(filter=self._filter, reconnection_attempts=0) as events:
            await self._look(list(self._in_hand))
            async for event in events:
                flow_run_id = UUID(event.resource.id.removeprefix(_PREFIX))
                if flow_run_id in self._in_hand:
                    await self._look([flow_run_id])

    async def _look(self, flow_run_ids: list[UUID]) -> None:
        if not flow_run_ids:
            return
        found = await self._client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=flow_run_ids)))
        for flow_run in found:
            if flow_run.state and (flow_run.state.is_cancelling() or flow_run.state.is_paused()):
                self._on_change(flow_run)
