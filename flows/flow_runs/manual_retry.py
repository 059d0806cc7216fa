"""Whether a person retried a run: Prefect's UI offers that for failed runs, and so for quarantined receipts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import dropwhile
from typing import Any
from uuid import UUID

from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType


async def was_retried(flow_run_id: UUID, run_count: int) -> bool:
    """Whether this run had ended `Failed` and was scheduled again; costs a request, and that only from the second time.

    A run that recovery resumes after a crash did not end `Failed` before.
    """
    if run_count < 2:
        return False
    async with get_client() as client:
        return follows_failure(await client.read_flow_run_states(flow_run_id))


def follows_failure(states: Sequence[State[Any]]) -> bool:
    """Whether the run's last scheduling came behind a failure; states in order of time."""
    backwards = dropwhile(lambda state: state.type != StateType.SCHEDULED, reversed(states))
    before = next(dropwhile(lambda state: state.type == StateType.SCHEDULED, backwards), None)
    return before is not None and before.type == StateType.FAILED
