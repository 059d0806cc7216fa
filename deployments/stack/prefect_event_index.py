"""By which resources Prefect's event feed finds an event: those of a run itself, and not all that the run belongs to.

Each event is written once, with all that it names, and then once more for each resource that it names, for the feed's
filter by resource. The events of a run's states name its tags, work queue and work pool, too; runs are found by these
on the page of runs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from prefect.server.events.schemas.events import ReceivedEvent

_RUN_STATES = "prefect.flow-run."
_LEFT_OUT = {"tag", "work-queue", "work-pool", "creator"}
_Rows = Callable[[ReceivedEvent], list[dict[str, Any]]]


def index_runs_themselves() -> None:
    """Have the events of flow runs found by the run, its flow and its deployment; in this process, from now on."""
    if not hasattr(ReceivedEvent.as_database_resource_rows, "__wrapped__"):
        ReceivedEvent.as_database_resource_rows = _without(ReceivedEvent.as_database_resource_rows)  # type: ignore[assignment, method-assign]


def _without(rows: _Rows) -> _Rows:
    @wraps(rows)
    def sought(event: ReceivedEvent) -> list[dict[str, Any]]:
        if not event.event.startswith(_RUN_STATES):
            return rows(event)
        return [row for row in rows(event) if row["resource_role"] not in _LEFT_OUT]

    return sought
