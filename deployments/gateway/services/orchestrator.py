"""What the gateway asks of Prefect: a run's steps, a run for a person, removing runs, and how long steps take."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Collection
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    ArtifactFilterKey,
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterTags,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import Artifact, StateType, TaskRun
from prefect.client.schemas.sorting import TaskRunSort
from prefect.exceptions import ObjectNotFound

from deployments.gateway.api.schemas import Step
from deployments.gateway.services.late_events import LateEvents
from deployments.gateway.services.prefect_events import PrefectEvents
from flows.flow_runs.submission import OrchestratorUnavailableError
from flows.ledger.views import ReceiptView
from flows.pipeline.artifacts import summary_key
from flows.pipeline.run_outcome import receipt_tag

_log = logging.getLogger("receiptflow.gateway")
_ANSWER_SECONDS = 2.0
_MOST_STEPS = 100
# As flows.pipeline.configuration names it, which would load all that a pipeline works with.
_PIPELINE = ("default", "receipt-pipeline")
_PAGE = 200
_SAMPLE = 200
_SAMPLE_KEPT_SECONDS = 30.0
_AWAY = (httpx.HTTPError, TimeoutError, RuntimeError)


class Orchestrator:
    """Prefect as the gateway sees it. Everything but removing runs does without an answer."""

    def __init__(
        self, client: PrefectClient, events: PrefectEvents | None = None, late_events: LateEvents | None = None
    ) -> None:
        self._client, self._events, self._late_events = client, events, late_events
        self._seconds: tuple[float, dict[str, list[float]]] = (float("-inf"), {})

    @property
    def client(self) -> PrefectClient:
        """For what else the gateway asks of Prefect."""
        return self._client

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

    async def notification_block(self) -> str | None:
        """The notification block that the pipeline names, as type/name; empty if none, None while Prefect is away."""
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                document = await self._client.read_block_document_by_name(*_PIPELINE)
        except ObjectNotFound:
            return ""
        except _AWAY as error:
            _log.warning("Prefect did not answer with the pipeline's block: %r", error)
            return None
        return str(document.data.get("notification") or "")

    async def start(self, deployment: str, parameters: dict[str, Any]) -> UUID:
        """A new run of a deployment, of somebody who waits for it.

        Raises:
            OrchestratorUnavailableError: Prefect is away, or has no such deployment.
        """
        try:
            async with asyncio.timeout(_ANSWER_SECONDS):
                found = await self._client.read_deployment_by_name(deployment)
                made = await self._client.create_flow_run_from_deployment(found.id, parameters=parameters)
        except (*_AWAY, ObjectNotFound) as error:
            raise OrchestratorUnavailableError(f"Prefect does not run {deployment}: {error!r}") from error
        return made.id

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

    async def remove_runs(self, flow_run_ids: Collection[UUID], receipts: Collection[ReceiptView]) -> None:
        """Remove flow runs with their states, task runs, logs and artifacts: all that Prefect was told of receipts.

        Its events about them go too where its database is known, else by themselves after its retention period.

        Args:
            flow_run_ids: Those that the ledger knows; one that is gone already is no error.
            receipts: By whose summaries and tags others are found, as of a run that found the receipt done.

        Raises:
            OrchestratorUnavailableError: Prefect is away; what was removed is, the rest is found by a repeat.
        """
        try:
            summaries = await self._artifacts(ArtifactFilter(key=ArtifactFilterKey(any_=_keys(receipts))))
            runs = {*flow_run_ids, *(artifact.flow_run_id for artifact in summaries if artifact.flow_run_id)}
            runs |= await self._tagged(receipts)
            attached = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=list(runs)))
            others = await self._artifacts(attached) if runs else []
            known = {artifact.id for artifact in summaries}
            # The summaries last: a try that was cut off finds by them what is left.
            for artifact in (*(one for one in others if one.id not in known), *summaries):
                await _unless_gone(self._client.delete_artifact(artifact.id))
            for flow_run_id in runs:
                await _unless_gone(self._client.delete_flow_run(flow_run_id))
        except _AWAY as error:
            raise OrchestratorUnavailableError(f"Prefect does not delete the flow runs: {error!r}") from error
        if self._events is not None:
            ids = [receipt.id for receipt in receipts]
            await asyncio.to_thread(self._events.remove, runs, ids)
            if self._late_events is not None:
                self._late_events.note(runs, ids)

    async def _tagged(self, receipts: Collection[ReceiptView]) -> set[UUID]:
        """Runs that found one of the receipts done, or at work: the ledger does not know them, they say so."""
        if not receipts:
            return set()
        tags = [receipt_tag(receipt.id) for receipt in receipts]
        wanted, found = FlowRunFilter(tags=FlowRunFilterTags(any_=tags)), set[UUID]()
        while page := await self._client.read_flow_runs(flow_run_filter=wanted, limit=_PAGE, offset=len(found)):
            found |= {run.id for run in page}
        return found

    async def _artifacts(self, wanted: ArtifactFilter) -> list[Artifact]:
        return await self._client.read_artifacts(artifact_filter=wanted)


def _keys(receipts: Collection[ReceiptView]) -> list[str]:
    return [summary_key(receipt.key, receipt.id) for receipt in receipts]


async def _unless_gone(removal: Awaitable[None]) -> None:
    """Whatever is gone already was removed by an earlier try."""
    with suppress(ObjectNotFound):
        await removal


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
async def open_orchestrator(
    events: PrefectEvents | None = None, late_events: LateEvents | None = None
) -> AsyncIterator[Orchestrator]:
    """Opens a client; Prefect need not answer yet.

    Args:
        events: Those in Prefect's database, where it is known.
        late_events: Who is told of deletions, to remove what comes later.
    """
    async with get_client() as client:
        yield Orchestrator(client, events, late_events)
