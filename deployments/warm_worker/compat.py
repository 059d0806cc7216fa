"""All that the warm worker uses of Prefect beyond its public API, in one place, for Prefect 3.8.

`tests/test_warm_worker_compat.py` has a test for each and fails by its name when a release changes it. What only saves
work (`OPTIONAL`) is left to Prefect's own way, with a warning, when it is not there any more; the rest raises.
"""

from __future__ import annotations

import datetime as dt
import functools
import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from prefect.client.schemas.objects import FlowRun, State, TaskRun
from prefect.context import AsyncClientContext
from prefect.events.schemas.events import Event
from prefect.events.worker import EventsWorker
from prefect.flows import Flow
from prefect.logging.handlers import APILogWorker
from prefect.logging.loggers import get_logger
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_KEY, PREFECT_API_URL
from prefect.workers.base import BaseWorker

# Module and name of what is replaced in Prefect or called for it. Without them all works, at Prefect's own cost.
SUSPENSION_OBSERVER = ("prefect.flow_engine", "observe_flow_run_suspension")
SUSPENSION_REQUEST = ("prefect._flow_run_suspension", "mark_flow_run_suspension_requested")
TASK_RUN_EVENT = ("prefect.task_engine", "emit_task_run_state_change_event")
PARAMETERS_MODEL = ("prefect.flows", "ValidatedFunction")
OPTIONAL = (SUSPENSION_OBSERVER, SUSPENSION_REQUEST, TASK_RUN_EVENT, PARAMETERS_MODEL)
_FLOWS_KEPT = 16


class WorkerInternals:
    """The parts of a `BaseWorker` that have no public name."""

    def __init__(self, worker: BaseWorker[Any, Any, Any]) -> None:
        self._worker = worker

    @property
    def pool_name(self) -> str:
        """The work pool that it takes runs from."""
        return self._worker._work_pool_name

    @property
    def queue_names(self) -> list[str]:
        """The work queues that it is confined to; all if empty."""
        return sorted(self._worker._work_queues)

    @property
    def lookahead(self) -> dt.timedelta:
        """How long before its scheduled time a run is taken."""
        return dt.timedelta(seconds=self._worker._prefetch_seconds)

    @property
    def claimed_runs(self) -> set[UUID]:
        """The runs that it has claimed; the base class counts them as its own too."""
        return self._worker._submitting_flow_run_ids

    @property
    def is_synced(self) -> bool:
        """Whether it has read its work pool from the server."""
        return self._worker._has_successfully_synced

    async def sync(self) -> None:
        """Read the work pool, send the heartbeat and, the first time, get ready for the pool's type."""
        await self._worker._sync_and_initialize()

    def note_poll(self) -> None:
        """Let the health check know that it polls."""
        self._worker._last_polled_time = dt.datetime.now(dt.UTC)

    async def emit_started_event(self) -> None:
        """Emit the event of its start; the base class emits that of its end."""
        self._worker._started_event = await self._worker._emit_worker_started_event()

    def disable_cancellation_observer(self) -> None:
        """Run without the base class's observer, which gives up after some failures; `RunSubscription` does not."""

        async def nothing() -> None:
            pass

        setattr(self._worker, "_setup_cancellation_observer", nothing)  # noqa: B010  mypy refuses an assignment


def replace_suspension_observer() -> None:
    """From here on flow runs of this process hear of their suspension by `request_suspension` only.

    Prefect starts a thread, an event loop and a websocket for each run and joins them with a sleep at its end. The
    worker has one subscription for all its runs, and passes it on to the child concerned.
    """
    if _found(*SUSPENSION_OBSERVER) and _found(*SUSPENSION_REQUEST):
        _replace(*SUSPENSION_OBSERVER, _no_observer)


def request_suspension(flow_run_id: UUID, state: State[Any]) -> None:
    """Have a flow run of this process end at its next task, as the server has it suspended."""
    if request := _found(*SUSPENSION_REQUEST):
        request(flow_run_id, state)


def skip_pending_event() -> None:
    """From here on task runs of this process begin with Running.

    The engine tells the server that a task run is Pending, and a millisecond later that it is Running. That is a third
    of a finished task's events, each written into three tables. A task with tags is reported as Pending all the same:
    it may wait for a concurrency limit, and people look for what waits.
    """
    emit = _found(*TASK_RUN_EVENT)
    if emit is None:
        return

    def emit_but_pending(
        task_run: TaskRun, initial_state: State[Any] | None, validated_state: State[Any], **others: Any
    ) -> Event | None:
        if initial_state is None and validated_state.is_pending() and not task_run.tags:
            return None
        event: Event | None = emit(
            task_run=task_run, initial_state=initial_state, validated_state=validated_state, **others
        )
        return event

    _replace(*TASK_RUN_EVENT, emit_but_pending)


def keep_parameters_models() -> None:
    """From here on this process makes the model that validates a flow's parameters once, and not for each run."""
    make = _found(*PARAMETERS_MODEL)
    if make is None:
        return

    @functools.lru_cache(_FLOWS_KEPT)
    def made(function: Callable[..., Any], config: frozenset[tuple[str, Any]]) -> Any:
        return make(function, config=dict(config))

    _replace(*PARAMETERS_MODEL, lambda function, config: made(function, frozenset(config.items())))


async def run_hooks(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:
    """Run a flow's hooks for a Cancelling or Crashed state that the engine did not report."""

    # Loaded here: without it only hooks fail, and say so in their run's log.
    runner_class = importlib.import_module("prefect.runner._hook_runner").HookRunner

    async def loaded(_: FlowRun) -> Flow[..., Any]:
        return flow

    hooks = runner_class(resolve_flow=loaded)
    await (hooks.run_cancellation_hooks if state.is_cancelling() else hooks.run_crashed_hooks)(flow_run, state)


def send_remaining(timeout_seconds: float) -> None:
    """Send the logs, events and task run states of this process that are still to be sent."""
    for service in (EventsWorker, APILogWorker):
        service.drain_all(timeout=timeout_seconds)


async def enter_client_context(make: Callable[..., Any]) -> AsyncClientContext:
    """Enter a client context whose client is of another class; every run of this process uses it."""
    context = AsyncClientContext()
    context.client = make(
        PREFECT_API_URL.value() or "",
        auth_string=PREFECT_API_AUTH_STRING.value(),
        api_key=PREFECT_API_KEY.value(),
        server_type=context.client.server_type,
    )
    await context.__aenter__()
    return context


def _found(module: str, name: str) -> Callable[..., Any] | None:
    """What this release of Prefect has by the name; None, with a warning, if it has nothing."""
    try:
        found: Callable[..., Any] = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        get_logger("worker.compat").warning("Prefect has no %s.%s any more: its own way is used", module, name)
        return None
    return found


def _replace(module: str, name: str, replacement: Callable[..., Any]) -> None:
    setattr(importlib.import_module(module), name, replacement)


@contextmanager
def _no_observer(*_args: Any, **_kwargs: Any) -> Iterator[None]:
    yield
