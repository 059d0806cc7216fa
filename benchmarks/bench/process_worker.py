"""The baseline of orchestration: the same flow through Prefect's own process worker, on the same stack."""

from __future__ import annotations

import statistics
import time

from prefect.workers.process import ProcessWorker

from benchmarks.bench.observed import cores
from benchmarks.bench.parts import Bench, Figures, patience
from benchmarks.bench.pools import OwnPool, api


def process_worker(bench: Bench) -> Figures:
    """A burst, as many runs at once as cores, then single receipts. Each run starts interpreters and loads models."""
    burst, singles = bench.size(full=12, quick=4), bench.size(full=8, quick=3)
    bare = bench.bare.measure(bench.batch(burst))
    with api(bench.system.environment) as client:
        pool = OwnPool(bench.system, client, ProcessWorker.type)
        with pool.worker(cores()):
            pool.finished(pool.submit(bench.batch(1)), patience(1))
            began, before = time.time(), bench.system.cpu_seconds().total()
            ends = pool.finished(pool.submit(bench.batch(burst)), patience(burst))
            served = bench.system.cpu_seconds().total() - before
            waits = [_wait(bench, pool, bare.cpu_seconds) for _ in range(singles)]
    return {
        "process_worker": {
            "efficiency": burst / (ends[-1] - began) / bare.per_second,
            "latency_overhead_seconds": {"p50": statistics.median(waits), "p95": max(waits)},
            "servers_cpu_seconds": served / burst,
            "receipts": burst + singles,
        }
    }


def _wait(bench: Bench, pool: OwnPool, reading_seconds: float) -> float:
    """From the flow run's creation to the ledger. Less a warm reading: loading models is this worker's own cost."""
    keys = pool.submit(bench.batch(1))
    created = time.time()
    return pool.finished(keys, patience(1))[0] - created - reading_seconds
