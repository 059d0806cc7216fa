"""Seconds from the acknowledged upload to the row in the ledger, less what OCR and parse of that receipt took."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Sequence

from benchmarks.bench.parts import Bench, Figures, patience
from benchmarks.bench.steps import Cost


def latency(bench: Bench) -> Figures:
    """Single uploads on an idle system, at times that no clock of the system's is in step with."""
    system, spread = bench.system, random.Random(1)
    bodies = bench.batch(bench.size(full=60, quick=14))
    waits = []
    for body in bodies:
        receipt = system.post(body)
        acknowledged = time.time()
        waits.append(system.finished([receipt], patience(1))[0] - acknowledged)
        time.sleep(spread.uniform(0.4, 1.2))
    return {"latency_overhead_seconds": overhead(waits, system.costs(bodies))}


def overhead(waits: Sequence[float], costs: Sequence[Cost]) -> dict[str, float]:
    """Median and 95th percentile of the waits, each less its own receipt's reading."""
    rest = sorted(wait - cost.wall for wait, cost in zip(waits, costs, strict=True))
    return {"p50": statistics.median(rest), "p95": rest[min(int(len(rest) * 0.95), len(rest) - 1)]}
