"""Run a step's work in a thread so that nothing ever runs beside it in this process, even after the step timed out.

A thread cannot be ended. One that goes on after its step's timeout would write to the receipt and enter the OCR engine
together with the step's retry, and after that with the process's next receipt. So the timeout waits for the thread for
a moment; then the process ends itself, as the only way to end the thread, and the worker resumes the run in another
one, where the ledger refuses what the old attempt may still have under way.
"""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import Callable
from typing import TypeVar

import anyio
from prefect.context import FlowRunContext
from prefect.logging.loggers import get_logger

T = TypeVar("T")
# Long enough for what ends by itself, such as a request to S3 with its own timeout; the run waits for it.
GRACE_SECONDS = 10.0


async def run_in_thread(work: Callable[[], T]) -> T:
    """What `work` returns. Cancelled, as by a task's timeout, it does not return before `work` has ended."""
    thread = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        with anyio.CancelScope(shield=True):
            await _wait_for_end(thread)
        raise


async def _wait_for_end(thread: asyncio.Future[T]) -> None:
    await asyncio.wait([thread], timeout=GRACE_SECONDS if is_deployed() else None)
    if not thread.done():
        get_logger("flow_runs").error("A step goes on after its timeout; its process ends, and the run is resumed")
        end_process()
    elif not thread.cancelled():
        thread.exception()  # the timeout is what is reported


def is_deployed() -> bool:
    """Whether a worker started this process for the run. A person's script, which calls the flow, must not be ended."""
    context = FlowRunContext.get()
    return bool(context and context.flow_run and context.flow_run.deployment_id)


def end_process() -> None:
    """End this process at once, as a crash that the run can have caused."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.abort()
