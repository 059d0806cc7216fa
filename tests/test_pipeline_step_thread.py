"""A step that timed out never runs beside its retry: the retry waits for its thread, or the process ends with it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest
from prefect import flow, task

from flows.pipeline.step_thread import run_in_thread


@pytest.mark.usefixtures("prefect_api")
async def test_a_retry_waits_for_the_thread_of_the_try_that_timed_out() -> None:
    running, most, tries = 0, 0, 0
    lock = threading.Lock()

    def work() -> None:
        nonlocal running, most, tries
        with lock:
            running, tries = running + 1, tries + 1
            most, first = max(most, running), tries == 1
        time.sleep(3.0 if first else 0.0)
        with lock:
            running -= 1

    @task(timeout_seconds=1, retries=1, retry_delay_seconds=0)
    async def step() -> None:
        await run_in_thread(work)

    @flow
    async def one_step() -> None:
        await step()

    await one_step()
    assert (tries, most, running) == (2, 1, 0)


async def test_what_the_work_returns_or_raises_comes_through() -> None:
    assert await run_in_thread(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        await run_in_thread(lambda: 1 // 0)


_TIMED_OUT = """
import asyncio, time
from flows.pipeline import step_thread

step_thread.GRACE_SECONDS = 0.2
step_thread.is_deployed = lambda: True

async def timed_out():
    async with asyncio.timeout(0.1):
        await step_thread.run_in_thread(lambda: time.sleep(600))

asyncio.run(timed_out())
"""


def test_the_process_of_a_deployed_run_ends_with_a_thread_that_goes_on() -> None:
    """By a signal that the worker counts as the receipt's own fault, so that it is quarantined in the end."""
    ended = subprocess.run([sys.executable, "-c", _TIMED_OUT], capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == -signal.SIGABRT, ended.stderr
    assert "its process ends" in ended.stderr
