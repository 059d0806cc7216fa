"""The retry policy of every step: one table, and the one rule of what is worth retrying.

`POLICIES` gives retries, the waits between them and the time one try may take; `can_pass` decides by the error's
family (see `flows.domain.errors`) whether trying again makes sense at all. Waits grow exponentially and are capped at
20 s so that work goes on within 30 s after storage or database is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import aget_state_exception
from prefect.tasks import Task

from flows.domain.errors import ReceiptflowError, TransientError

LONGEST_WAIT_SECONDS = 20.0


@dataclass(frozen=True)
class StepPolicy:
    """How often and how patiently one step is tried.

    `waits_seconds` has one entry a retry; each is lengthened by up to `jitter` of itself, at random, so that many
    receipts don't return at the same moment.
    """

    waits_seconds: tuple[float, ...]
    timeout_seconds: float
    jitter: float = 0.0

    @property
    def retries(self) -> int:
        """How many times the step is tried again after its first try."""
        return len(self.waits_seconds)


def _exponential(first_seconds: float, retries: int) -> tuple[float, ...]:
    return tuple(min(first_seconds * 2**n, LONGEST_WAIT_SECONDS) for n in range(retries))


POLICIES: dict[str, StepPolicy] = {
    "extract_text": StepPolicy(_exponential(2, 5), timeout_seconds=300, jitter=0.2),
    # Milliseconds by itself; a language model beside it may take a minute, and as many again with its client's retries.
    "parse_receipt": StepPolicy(_exponential(1, 3), timeout_seconds=300, jitter=0.2),
    "record_expense": StepPolicy((3.0,) * 10, timeout_seconds=60),
    "notify_owner": StepPolicy(_exponential(2, 5), timeout_seconds=60),
    # A person's decision by Prefect's form: short, as somebody waits for it.
    "make_decision": StepPolicy((3.0,) * 10, timeout_seconds=60),
    # Thousands of expenses, a request or two each, told to a server that may be restarting.
    "tell_server": StepPolicy(_exponential(5, 4), timeout_seconds=4 * 3600, jitter=0.2),
    # A person waits before the picture for at most the gateway's half minute.
    "read_piece": StepPolicy((0.5, 1.0, 2.0), timeout_seconds=60),
}


def can_pass(error: BaseException) -> bool:
    """Whether a later try of the same work can end otherwise: transient causes, timeouts and errors not foreseen.

    Our own refusals (unreadable, unsure, fenced, misconfigured) fail the same way again and are not retried.
    An error that nobody foresaw is retried, since it may be the machine's; it ends as a failed run otherwise.
    """
    if isinstance(error, TransientError):
        return True
    return not isinstance(error, ReceiptflowError | MemoryError | TypeError | AttributeError | NameError)


async def _worth_retrying(_task: Task[..., Any], _task_run: TaskRun, state: State[Any]) -> bool:
    return can_pass(await aget_state_exception(state))


def task_options(step: str) -> dict[str, Any]:
    """The options of Prefect's `@task` for a step, from its row of the table."""
    policy = POLICIES[step]
    return {
        "name": step,
        "retries": policy.retries,
        "retry_delay_seconds": list(policy.waits_seconds),
        "retry_jitter_factor": policy.jitter or None,
        "retry_condition_fn": _worth_retrying,
        "timeout_seconds": policy.timeout_seconds,
        # The step writes its own durable output (see flows.pipeline.durable_step), where a failing write is retried.
        "persist_result": False,
        "cache_policy": NO_CACHE,
    }
