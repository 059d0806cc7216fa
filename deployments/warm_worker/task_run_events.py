"""The task run events of a warm process: Prefect's own, less the one that says nothing.

The engine tells the server that a task run is Pending, and a millisecond later that it is Running. That is a third of
a finished task's events, each written into three tables. A task with tags is told of all the same: it may wait for a
concurrency limit, and people look for what waits.
"""

from __future__ import annotations

from typing import Any

import prefect.task_engine
from prefect.client.schemas.objects import State, TaskRun
from prefect.events.schemas.events import Event
from prefect.utilities.engine import emit_task_run_state_change_event


def skip_pending_event() -> None:
    """From here on, task runs of this process begin with Running."""
    setattr(prefect.task_engine, "emit_task_run_state_change_event", _emit)  # noqa: B010  not public


def _emit(
    task_run: TaskRun, initial_state: State[Any] | None, validated_state: State[Any], follows: Event | None = None
) -> Event | None:
    if initial_state is None and validated_state.is_pending() and not task_run.tags:
        return None
    return emit_task_run_state_change_event(task_run, initial_state, validated_state, follows)
