"""Throughput of two worker processes over one, the servers on the same cores.

A work pool of its own, one worker with one process against two such workers, the same backlog for each. Counted from
the first receipt that is processed to the last, so that starting is no part of it.
"""

from __future__ import annotations

import statistics

from benchmarks.bench.observed import TooSlowError
from benchmarks.bench.parts import Bench, Figures, patience
from benchmarks.bench.pools import OwnPool, api
from deployments.receipt_worker import ReceiptWorker

_WARM_ROUNDS = 20


def two_workers(bench: Bench) -> Figures:
    """Rounds of one worker and of two in turn."""
    rounds, size = bench.size(full=3, quick=1), bench.size(full=60, quick=16)
    one, two = [], []
    with api(bench.system.environment) as client:
        pool = OwnPool(bench.system, client, ReceiptWorker.type)
        with pool.worker(limit=1):
            for _ in range(rounds):
                one.append(_rate(bench, pool, size, workers=1))
                with pool.worker(limit=1):
                    two.append(_rate(bench, pool, size, workers=2))
    return {
        "two_workers_ratio": statistics.mean(two) / statistics.mean(one),
        "two_workers_receipts_per_second": {"one": one, "two": two},
    }


def _rate(bench: Bench, pool: OwnPool, size: int, workers: int) -> float:
    """Receipts a second, once every worker has shown that it works."""
    _warm(bench, pool, workers)
    # Not into a paused pool: no worker notices that it goes on, so the second worker would begin at its next poll.
    keys = pool.submit(bench.batch(size, mixed=False))
    ends = pool.finished(keys, patience(size))
    # Until then all processes are busy: afterwards each ends the one that it has in hand.
    counted = ends[: len(ends) - workers + 1]
    return (len(counted) - 1) / (counted[-1] - counted[0])


def _warm(bench: Bench, pool: OwnPool, workers: int) -> None:
    """Give receipts until so many processes share them."""
    for _ in range(_WARM_ROUNDS):
        bodies = bench.batch(2 * workers)
        pool.finished(pool.submit(bodies), patience(len(bodies)))
        if len({cost.pid for cost in bench.system.costs(bodies)}) == workers:
            return
    raise TooSlowError(f"{workers} workers did not share the receipts; see {pool.log}")
