"""What is done about a run whose process died: resume it as the same flow run, or give it up after enough attempts.

The process is known to be dead before anything here is called, so a run is never resumed beside itself.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import flow_run_logger, get_logger
from prefect.states import AwaitingRetry, Crashed

from deployments.warm_worker.process_exit import ProcessExit

T = TypeVar("T")
_LONGEST_PAUSE_SECONDS = 2.0  # a server that is back is used within this
_UNFINISHED = [StateType.RUNNING, StateType.PENDING]


async def persistently(call: Callable[[], Awaitable[T]]) -> T:
    """Repeat a call to the Prefect server until the server is there to answer it."""
    pause = 0.1
    while True:
        try:
            return await call()
        except httpx.TransportError as error:
            reason: Exception = error
        except httpx.HTTPStatusError as error:
            if error.response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                raise
            reason = error
        get_logger("worker.recovery").warning("The Prefect server does not answer (%r); trying again", reason)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


async def resume(
    client: PrefectClient, flow_run_id: UUID, process_exit: ProcessExit, *, exits: int, max_attempts: int
) -> State[Any] | None:
    """Set the run to AwaitingRetry, due now; or to Crashed after `max_attempts`. A final run stays as it is.

    Attempts are the server's count of starts, or `exits`, ours, for a process that dies before it starts the run.

    Returns:
        The state proposed, None if nothing was to be done (final, cancelling, paused or deleted).
    """
    try:
        flow_run = await persistently(lambda: client.read_flow_run(flow_run_id))
    except ObjectNotFound:
        return None
    state = flow_run.state
    if state is None or not (state.is_running() or state.is_pending()):
        return None
    await _close_task_runs(client, flow_run_id, process_exit)
    attempt = max(flow_run.run_count, exits)
    if attempt < max_attempts:
        return await resume_run(client, flow_run, f"Attempt {attempt} died: {process_exit}. It is resumed.")
    crashed: State[Any] = Crashed(message=f"Given up after attempt {attempt}: {process_exit}.")
    flow_run_logger(flow_run).error(crashed.message)
    await persistently(lambda: client.set_flow_run_state(flow_run_id, crashed))
    return crashed


async def resume_run(client: PrefectClient, flow_run: FlowRun, message: str) -> State[Any]:
    """Set a run to AwaitingRetry, due now, in its old place in the queue: it goes before what was created later."""
    now = dt.datetime.now(dt.UTC)
    due: State[Any] = AwaitingRetry(message=message, scheduled_time=min(now, flow_run.expected_start_time or now))
    flow_run_logger(flow_run).error(message)
    await persistently(lambda: client.set_flow_run_state(flow_run.id, due))
    return due


async def requeue(client: PrefectClient, flow_run_id: UUID, claim: str) -> None:
    """Make a run due again whose claim (the message of its Pending state) was sent but never answered."""
    try:
        flow_run = await persistently(lambda: client.read_flow_run(flow_run_id))
    except ObjectNotFound:
        return
    if flow_run.state and flow_run.state.is_pending() and flow_run.state.message == claim:
        await resume_run(client, flow_run, "The server went away while it was claimed.")


async def _close_task_runs(client: PrefectClient, flow_run_id: UUID, process_exit: ProcessExit) -> None:
    """Report the dead attempt's unfinished task runs as crashed: nobody else would, and they would run for ever."""
    unfinished = await persistently(
        lambda: client.read_task_runs(
            flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[flow_run_id])),
            task_run_filter=TaskRunFilter(state=TaskRunFilterState(type=TaskRunFilterStateType(any_=_UNFINISHED))),
        )
    )
    crashed: State[Any] = Crashed(message=f"{process_exit}.")
    for task_run in unfinished:
        await persistently(partial(client.set_task_run_state, task_run.id, crashed, force=True))
