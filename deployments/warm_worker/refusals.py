"""Due runs that the server does not let anybody claim, and what becomes of them.

A refused run stays due and in front, being the oldest: a worker that asks for as many runs as it has free processes
would be told of it again and again, and of nothing behind it. So it is passed over for a while. A run whose deployment
was deleted can never be carried out (Prefect deletes those that wait, but not one that is made or put back meanwhile);
it is cancelled.
"""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.objects import FlowRun, State
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import flow_run_logger
from prefect.states import Cancelled

from deployments.warm_worker.record_cache import RecordCache
from deployments.warm_worker.recovery import persistently

PASSED_OVER_SECONDS = 15.0  # about one poll of Prefect's own workers


class Refusals:
    """The runs that were refused a moment ago."""

    def __init__(self) -> None:
        self._until: dict[UUID, float] = {}

    def note(self, flow_run_id: UUID) -> None:
        """Pass it over from now on, for a while."""
        self._until[flow_run_id] = time.monotonic() + PASSED_OVER_SECONDS

    def forget(self, flow_run_id: UUID) -> None:
        """It may be claimed again."""
        self._until.pop(flow_run_id, None)

    def recent(self) -> set[UUID]:
        """The runs to pass over now."""
        now = time.monotonic()
        self._until = {run_id: until for run_id, until in self._until.items() if until > now}
        return set(self._until)


async def cancel_if_undeployed(client: PrefectClient, records: RecordCache, flow_run: FlowRun) -> bool:
    """Cancel a waiting run whose deployment does not exist any more; whether that was so.

    Args:
        records: Most refusals only say that another worker was first, so deployments are not asked for each time.
    """
    deployment_id = flow_run.deployment_id
    if deployment_id is None:
        return False
    try:
        await persistently(lambda: records.deployment(deployment_id))
    except ObjectNotFound:
        pass
    else:
        return False
    try:
        current = await persistently(lambda: client.read_flow_run(flow_run.id))
    except ObjectNotFound:
        return False
    if current.state is None or not current.state.is_scheduled():
        return False
    cancelled: State[Any] = Cancelled(message="Its deployment was deleted; no process can load it.")
    flow_run_logger(flow_run).warning(cancelled.message)
    await persistently(lambda: client.set_flow_run_state(flow_run.id, cancelled, force=True))
    return True
