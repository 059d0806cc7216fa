"""What can pass by itself is tried again as often as the table says, what cannot is tried once: proved by counting."""

from __future__ import annotations

import pytest
from prefect import flow, task

from deployments.stack import Stack
from flows.domain.errors import ConfigurationError, TransientError, UnreadableError, UnsureError
from flows.pipeline.retries import LONGEST_WAIT_SECONDS, POLICIES, can_pass, task_options


class Calls:
    """Counts calls of a step that always fails with the same error."""

    def __init__(self, error: Exception) -> None:
        self.error, self.count = error, 0

    def __call__(self) -> None:
        self.count += 1
        raise self.error


async def _run_step(step: str, calls: Calls) -> None:
    """Run a task with the step's real options, its waits left out, in a real flow run."""

    async def body() -> None:
        calls()

    options = {**task_options(step), "retry_delay_seconds": 0}

    @flow(name=f"count-{step}")
    async def counting() -> None:
        await task(**options)(body)()

    await counting(return_state=True)


@pytest.mark.parametrize(
    ("step", "retries"), [("extract_text", 5), ("parse_receipt", 3), ("record_expense", 10), ("notify_owner", 5)]
)
async def test_transient_error_is_tried_as_often_as_the_table_says(prefect_api: Stack, step: str, retries: int) -> None:
    calls = Calls(TransientError("away"))
    await _run_step(step, calls)
    assert calls.count == 1 + retries


@pytest.mark.parametrize(
    "error", [UnreadableError("no image"), UnsureError("no total"), ConfigurationError("no such bucket")]
)
async def test_lasting_error_is_tried_once(prefect_api: Stack, error: Exception) -> None:
    calls = Calls(error)
    await _run_step("extract_text", calls)
    assert calls.count == 1


@pytest.mark.parametrize(
    "error", [TimeoutError(), ConnectionResetError(), TransientError("x"), RuntimeError("unforeseen")]
)
def test_what_may_be_the_machines_fault_can_pass(error: Exception) -> None:
    assert can_pass(error)


@pytest.mark.parametrize("error", [MemoryError(), TypeError(), UnreadableError("x"), ConfigurationError("x")])
def test_what_is_the_receipts_or_our_fault_cannot(error: Exception) -> None:
    assert not can_pass(error)


def test_waits_grow_and_stay_below_the_bound_of_an_outage() -> None:
    for policy in POLICIES.values():
        assert list(policy.waits_seconds) == sorted(policy.waits_seconds)
        assert max(policy.waits_seconds) <= LONGEST_WAIT_SECONDS
    assert POLICIES["extract_text"].waits_seconds == (2, 4, 8, 16, 20)
    assert POLICIES["record_expense"].waits_seconds == (3.0,) * 10
