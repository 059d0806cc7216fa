"""A burst of uploads by many owners at once: are all acknowledged, in order, and do single uploads pass a backfill?

The receipts are small slips, because this is about accepting, queueing and order, not about reading. They are sent
while the worker works. The backfill lies in a bucket of its own and is found by a sweep, which puts it into the queue
behind; single uploads are posted while it waits.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from benchmarks.bench.material import slip
from benchmarks.bench.memory import watched_memory
from benchmarks.bench.observed import quantiles
from benchmarks.bench.parts import Bench, Figures, patience
from benchmarks.bench.programs import python
from benchmarks.bench.system import System

_OWNERS, _SENDERS = 10, 16
_BUCKET = "backfill"
_SWEEP_TIMEOUT_SECONDS = 600
_SWEEP = """
import asyncio, sys
from pathlib import Path
from deployments.cli.connection import connect
from flows.sweep_inbox import sweep
pipeline = asyncio.run(connect(Path(sys.argv[1])))
asyncio.run(sweep(pipeline, bucket=sys.argv[2]))
"""
_TIMES = (
    "SELECT extract(epoch FROM received_at), extract(epoch FROM started_at) FROM receipts "
    "WHERE id = ANY(%s::uuid[]) AND started_at IS NOT NULL ORDER BY received_at"
)
_BACKFILLED = "SELECT 1 FROM receipts WHERE bucket = %s AND finished_at IS NOT NULL"


def burst(bench: Bench) -> Figures:
    """Send them, wait for all; then the backfill with single uploads."""
    system, count = bench.system, bench.size(full=5000, quick=60)
    keys = [system.new_key(f"owner-{number}") for number in range(_OWNERS)]
    with watched_memory(system) as memory:
        sent = _send(system, keys, count)
        system.finished(sent.ids, patience(count))
    backfill, waits = _fresh_beside_backfill(bench)
    return {
        "burst": {
            "uploads": count,
            "statuses": dict(sent.statuses),
            "uploads_per_second": count / sent.seconds,
            "answer_seconds": quantiles(sent.answers),
            "out_of_order_places": _displacement(system, sent.ids),
            "memory_mb": memory,
            "backfill": backfill,
            "fresh_wait_seconds": waits,
        }
    }


@dataclass
class _Sent:
    """What the senders saw."""

    ids: list[str] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    answers: list[float] = field(default_factory=list)
    seconds: float = 0.0


def _send(system: System, keys: Sequence[str], count: int) -> _Sent:
    sent, slips = _Sent(), [slip(number) for number in range(count)]
    began = time.perf_counter()

    def send(number: int) -> None:
        asked = time.perf_counter()
        answer = system.try_post(slips[number], keys[number % len(keys)])
        sent.answers.append(time.perf_counter() - asked)
        sent.statuses[str(answer.status_code)] += 1
        if answer.is_success:
            sent.ids.append(str(answer.json()["receipt_id"]))

    with ThreadPoolExecutor(_SENDERS) as senders:
        list(senders.map(send, range(count)))
    sent.seconds = time.perf_counter() - began
    return sent


def _displacement(system: System, ids: Sequence[str]) -> dict[str, int]:
    """By how many positions receipts were begun earlier or later than they had arrived."""
    rows = system.database.execute(_TIMES, [list(ids)]).fetchall()
    begun = {place: rank for rank, place in enumerate(sorted(range(len(rows)), key=lambda place: rows[place][1]))}
    moved = sorted(abs(place - rank) for place, rank in begun.items())
    return {"p50": moved[len(moved) // 2], "p99": moved[int(len(moved) * 0.99)], "most": moved[-1]}


def _fresh_beside_backfill(bench: Bench) -> tuple[dict[str, int], dict[str, float]]:
    """How many of a backfill still waited after some single uploads, and how long these took from answer to ledger."""
    system, count, singles = bench.system, bench.size(full=200, quick=16), bench.size(full=20, quick=4)
    system.s3.create_bucket(Bucket=_BUCKET)
    for number in range(count):
        system.s3.put_object(Bucket=_BUCKET, Key=f"backfill/{number:05d}.jpg", Body=slip(number))
    command = ("-c", _SWEEP, str(system.settings.root), _BUCKET)
    python(*command, seconds=_SWEEP_TIMEOUT_SECONDS, environment=system.environment)
    waits = []
    for number in range(singles):
        receipt = system.post(slip(count + number))
        answered = time.time()
        waits.append(system.finished([receipt], patience(1))[0] - answered)
    waiting = "SELECT count(*) FROM receipts WHERE bucket = %s AND state = 'waiting'"
    left = int(system.awaited(waiting, [_BUCKET], 1, seconds=5)[0])
    system.awaited(_BACKFILLED, [_BUCKET], count, patience(count))
    return {"receipts": count, "still_waiting": left}, {"p50": statistics.median(waits), "most": max(waits)}
