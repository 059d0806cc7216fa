"""A backlog of equal receipts: throughput of its last part over that of its first, and memory.

The work pool is paused until each receipt has its flow run and Prefect's server has written that down, which would else
slow the first receipts down. Beside the ratio stand the rate of each tenth and what share of the
CPU time the hypervisor took in it: so a tenth that is slow by itself is known from one that was slowed down.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from benchmarks.bench.observed import cores
from benchmarks.bench.parts import Bench, Figures, patience
from benchmarks.bench.programs import python
from benchmarks.bench.system import System
from benchmarks.bench.writes import WRITTEN_SECONDS
from benchmarks.stolen import StolenTime
from deployments.provisioning.names import POOL

SUBMITTED = "SELECT 1 FROM receipts WHERE id = ANY(%s::uuid[]) AND flow_run_id IS NOT NULL"
_TENTHS = 10


def backlog(bench: Bench) -> Figures:
    """Last ÷ first window's receipts a second, and each part's memory after ÷ before."""
    system, count = bench.system, bench.size(full=1000, quick=44)
    window = max(count // 10, 20)
    with StolenTime() as stolen:
        with paused(system):
            ids = system.post_all(bench.batch(count, mixed=False))
            system.awaited(SUBMITTED, [ids], count, patience(count))
            time.sleep(WRITTEN_SECONDS)
        system.awaited(_FINISHED, [ids], window, patience(window))
        before = system.resident_mb()
        ends = system.finished(ids, patience(count))
    after = system.resident_mb()
    return {
        "backlog_ratio": ratio(ends, window),
        "backlog_tenths": tenths(ends, stolen),
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


def tenths(ends: Sequence[float], stolen: StolenTime) -> dict[str, dict[str, float]]:
    """Receipts a second of each tenth, and the share of the CPU time that the hypervisor took meanwhile."""
    cuts = [ends[number * (len(ends) - 1) // _TENTHS] for number in range(_TENTHS + 1)]
    size = (len(ends) - 1) / _TENTHS
    return {
        f"{number:02}": {"per_second": size / (until - since), "stolen": stolen.share(since, until)}
        for number, (since, until) in enumerate(pairwise(cuts), start=1)
    }


@contextmanager
def paused(system: System) -> Iterator[None]:
    """The work pool gives out no runs during the block."""
    _prefect(system, "pause")
    try:
        yield
    finally:
        _prefect(system, "resume")


def _prefect(system: System, order: str) -> None:
    python("-m", "prefect", "--no-prompt", "work-pool", order, POOL, seconds=120, environment=system.environment)
