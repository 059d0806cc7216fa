"""What the gateway asks of Prefect: a run's steps, cancelling, removing artifacts, and how long steps take."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import StateType, TaskRun
from prefect.client.schemas.sorting import TaskRunSort
from prefect.exceptions import ObjectNotFound
from prefect.states import Cancelled

from deployments.gateway.api.schemas import Step
from flows.flow_runs.submission import OrchestratorUnavailableError
from flows.pipeline.artifacts import summary_key

_log = logging.getLogger("receiptflow.gateway")
_ANSWER_SECONDS = 2.0
_MOST_STEPS = 100
_SAMPLE = 200
_SAMPLE_KEPT_SECONDS = 30.0
_AWAY = (httpx.HTTPError, TimeoutError, RuntimeError)


class Orchestrator:
    """Prefect as the gateway sees it. Everything but removing artifacts does without an answer."""

    def __init__(self, client: PrefectClient) -> None:
        self._client = client
        self._seconds: tuple[float, dict[str, list[float]]] = (float("-inf"), {})

    async def steps(self, flow_run_id: UUID | None) -> list[Step] | None:
        """The steps of a flow run in their order; None if Prefect does not answer in time."""
        if flow_run_id is None:
            return []
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                runs = await self._client.read_task_runs(
                    flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id])), limit=_MOST_STEPS
                )
        except _AWAY as error:
            _log.warning("Prefect did not answer with the steps: %r", error)
            return None
        return [_step(run) for run in sorted(runs, key=_began)]

    async def step_seconds(self) -> dict[str, list[float]]:
        """Seconds of the last completed runs of each step; empty while Prefect is away."""
        kept_at, seconds = self._seconds
        if time.monotonic() - kept_at < _SAMPLE_KEPT_SECONDS:
            return seconds
        completed = TaskRunFilterState(type=TaskRunFilterStateType(any_=[StateType.COMPLETED]))
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                runs = await self._client.read_task_runs(
                    task_run_filter=TaskRunFilter(state=completed), sort=TaskRunSort.END_TIME_DESC, limit=_SAMPLE
                )
        except _AWAY:
            runs = []
        seconds = {}
        for run in runs:
            seconds.setdefault(_plain_name(run), []).append(run.total_run_time.total_seconds())
        self._seconds = (time.monotonic(), seconds)
        return seconds

    async def cancel(self, flow_run_id: UUID) -> None:
        """Cancel a flow run that has nothing to do any more; one that cannot be reached ends by itself."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                await self._client.set_flow_run_state(flow_run_id, Cancelled(message="Its receipt was deleted."))
        except (*_AWAY, ObjectNotFound) as error:
            _log.warning("a flow run was not cancelled: %r", error, extra={"flow_run_id": str(flow_run_id)})

    async def remove_artifacts(self, receipt_id: UUID) -> None:
        """Remove the summaries and the pictures of a receipt from Prefect's database: all that its runs attached.

        Raises:
            OrchestratorUnavailableError: Prefect is away; nothing was deleted.
        """
        key = summary_key(receipt_id)
        named = ArtifactFilter(key=ArtifactFilterKey(any_=[key]))
        try:
            summaries = await self._client.read_artifacts(artifact_filter=named)
            runs = [artifact.flow_run_id for artifact in summaries if artifact.flow_run_id]
            attached = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=runs))
            others = await self._client.read_artifacts(artifact_filter=attached) if runs else []
            pictures = [artifact for artifact in others if artifact.key != key]
            # The summaries last: a try that was cut off finds by them what is left.
            for artifact in (*pictures, *summaries):
                await self._client.delete_artifact(artifact.id)
        except ObjectNotFound:
            return  # somebody else deletes the same receipt
        except _AWAY as error:
            raise OrchestratorUnavailableError(f"Prefect does not delete the artifacts: {error!r}") from error


def _plain_name(run: TaskRun) -> str:
    return run.name.rsplit("-", 1)[0]  # Prefect appends a random part


def _began(run: TaskRun) -> float:
    moment = run.start_time or run.expected_start_time
    return moment.timestamp() if moment else float("inf")


def _step(run: TaskRun) -> Step:
    return Step(
        name=_plain_name(run),
        state=run.state_name or "Unknown",
        attempts=run.run_count,
        started_at=run.start_time,
        ended_at=run.end_time,
        seconds=round(run.total_run_time.total_seconds(), 3),
    )


@asynccontextmanager
async def open_orchestrator() -> AsyncIterator[Orchestrator]:
    """Opens a client; Prefect need not answer yet."""
    async with get_client() as client:
        yield Orchestrator(client)
