"""The watchdogs over working children: memory, run time, stopped processes, processes that went silent."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

from deployments.warm_worker.child_process import ChildProcess
from deployments.warm_worker.hang_detector import SILENT_SECONDS, STOPPED_SECONDS
from deployments.warm_worker.process_control import is_stopped, resident_bytes
from deployments.warm_worker.process_exit import ExitReason

INTERVAL_SECONDS = 0.5


async def watch(children: Callable[[], Iterable[ChildProcess]]) -> None:
    """Look at every child twice a second, for ever."""
    stopped_since: dict[int, float] = {}
    while True:
        await asyncio.sleep(INTERVAL_SECONDS)
        seen = list(children())
        for child in seen:
            _check(child, stopped_since)
        for pid in stopped_since.keys() - {child.pid for child in seen}:
            del stopped_since[pid]


def _check(child: ChildProcess, stopped_since: dict[int, float]) -> None:
    now = time.monotonic()
    if is_stopped(child.pid):
        if now - stopped_since.setdefault(child.pid, now) > STOPPED_SECONDS:
            child.kill(ExitReason.STOPPED, f"process {child.pid} was stopped for more than {STOPPED_SECONDS:g} s")
        return
    stopped_since.pop(child.pid, None)
    if child.job is None:
        return
    limits = child.job.limits
    memory = resident_bytes(child.pid) or 0
    if limits.memory_bytes and memory > limits.memory_bytes:
        used, limit = memory >> 20, limits.memory_bytes >> 20
        child.kill(ExitReason.MEMORY, f"process {child.pid} used {used} MB of memory, over its limit of {limit} MB")
    elif limits.seconds and now - child.started > limits.seconds:
        child.kill(ExitReason.TIME, f"the run took longer than its limit of {limits.seconds:g} s")
    elif now - child.last_message > SILENT_SECONDS:
        child.kill(ExitReason.SILENT, f"process {child.pid} gave no sign of life for {SILENT_SECONDS:g} s")
