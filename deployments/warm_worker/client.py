"""The API client of a warm process: Prefect's own, less the requests whose answers are known already.

The engine reads a flow run again right after it set it to Running, and names it again as its submitter named it.
Both cost the server as much as a change of state does.
"""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas import OrchestrationResult
from prefect.client.schemas.objects import FlowRun, State
from prefect.client.schemas.responses import SetStateStatus
from prefect.context import AsyncClientContext

from deployments.warm_worker import compat


class CachingClient(PrefectClient):
    """Knows the flow run that its process was given, until that is read once."""

    _known: FlowRun | None = None
    _is_running: bool = False

    def know(self, flow_run: FlowRun) -> None:
        """Take a flow run as the server has it now; a copy, as the engine changes its own."""
        self._known, self._is_running = flow_run.model_copy(deep=True), False

    async def update_flow_run(self, flow_run_id: UUID, *args: Any, **changes: Any) -> httpx.Response:
        """Update a flow run, unless that is what it is."""
        known = self._known
        if known and known.id == flow_run_id and not args and _changes_nothing(known, changes):
            return httpx.Response(httpx.codes.NO_CONTENT)
        self._known = None
        return await super().update_flow_run(flow_run_id, *args, **changes)

    async def set_flow_run_state(
        self, flow_run_id: UUID | str, state: State[Any], force: bool = False
    ) -> OrchestrationResult[Any]:
        """Set the state; note when that starts the known run."""
        result = await super().set_flow_run_state(flow_run_id, state, force)
        accepted = result.status == SetStateStatus.ACCEPT and state.is_running()
        if accepted and self._known and str(flow_run_id) == str(self._known.id) and not self._is_running:
            self._is_running = True
            self._known = _started(self._known, state, result)
        else:
            self._known = None
        return result

    async def read_flow_run(self, flow_run_id: UUID) -> FlowRun:
        """Read a flow run; the one that was just started is known, but only once."""
        known, self._known = self._known, None
        if known and self._is_running and known.id == flow_run_id:
            return known
        return await super().read_flow_run(flow_run_id)

    async def set_flow_run_name(self, flow_run_id: UUID, name: str) -> httpx.Response:
        """Name a flow run, unless that is its name."""
        if self._known and self._known.id == flow_run_id and self._known.name == name:
            return httpx.Response(httpx.codes.NO_CONTENT)
        self._known = None
        return await super().set_flow_run_name(flow_run_id, name)


def _changes_nothing(known: FlowRun, changes: dict[str, Any]) -> bool:
    """Whether a run that begins reports its own version and, as it has none, no retries."""
    policy = changes.get("empirical_policy")
    return (
        set(changes) <= {"flow_version", "empirical_policy"}
        and changes.get("flow_version") == known.flow_version
        and (policy is None or not (policy.retries or known.empirical_policy.retries))
    )


def _started(flow_run: FlowRun, state: State[Any], result: OrchestrationResult[Any]) -> FlowRun:
    """The flow run as the server now has it, by what it does when a run starts."""
    now = result.state.timestamp if result.state else dt.datetime.now(dt.UTC)
    running = result.state or state
    return flow_run.model_copy(
        update={
            "state": running,
            "state_id": running.id,
            "state_type": running.type,
            "state_name": running.name,
            "run_count": flow_run.run_count + 1,
            "start_time": flow_run.start_time or now,
        }
    )


async def open_client() -> tuple[AsyncClientContext, CachingClient]:
    """Enter a client context that every run of this process uses."""
    context = await compat.enter_client_context(CachingClient)
    if not isinstance(context.client, CachingClient):
        raise TypeError(f"the client context made a {type(context.client).__name__}")
    return context, context.client
