"""A backlog of equal receipts: throughput of its last part over that of its first, and memory.

The work pool is paused while the receipts are handed in, so that taking them in does not slow the first down.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.bench.observed import cores
from benchmarks.bench.parts import Bench, Figures, patience
from benchmarks.bench.system import System
from deployments.provision import POOL


def backlog(bench: Bench) -> Figures:
    """Last ÷ first window's receipts a second, and each part's memory after ÷ before."""
    system, count = bench.system, bench.size(full=1000, quick=60)
    window = max(count // 10, 20)
    with paused(system):
        ids = system.post_all(bench.batch(count, mixed=False))
    system.awaited(_FINISHED, [ids], window, patience(window))
    before = system.resident_mb()
    ends = system.finished(ids, patience(count))
    after = system.resident_mb()
    return {
        "backlog_ratio": ratio(ends, window),
        "backlog_memory_ratio": {name: after[name] / before[name] for name in before},
        "backlog_memory_mb": after,
        "backlog_receipts": count,
    }


_FINISHED = (
    "SELECT 1 FROM receipts WHERE id = ANY(%s::uuid[]) AND finished_at IS NOT NULL "
    "AND state NOT IN ('waiting', 'running')"
)


def ratio(ends: Sequence[float], window: int) -> float:
    """Last ÷ first window's throughput. Where the backlog runs dry and cores stand idle is no part of the last."""
    last = len(ends) - cores()
    return (ends[window] - ends[0]) / (ends[last] - ends[last - window])


@contextmanager
def paused(system: System) -> Iterator[None]:
    """The work pool gives out no runs during the block."""
    prefect(system, "work-pool", "pause", POOL)
    try:
        yield
    finally:
        prefect(system, "work-pool", "resume", POOL)


def prefect(system: System, *arguments: str) -> str:
    """A command of Prefect's own, on the stack."""
    command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
    environment = {**os.environ, **system.environment}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True, timeout=120)
    return done.stdout
