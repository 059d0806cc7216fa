"""The measurements, each against its baseline: see the table in docs/performance.md for what they mean."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bench.bare import Bare
from benchmarks.bench.material import batch
from benchmarks.bench.system import System

_SETTLE_SECONDS = 4.0  # logs and events leave a process with a delay of up to two seconds
_SENDERS = 4
# In a process of its own, so that the peak is the sweep's.
_SWEEP = """
import asyncio, json, resource, sys, time
from pathlib import Path
from deployments.connection import connect
from flows.sweep_inbox import SweepCounts, receive_unknown
pipeline = asyncio.run(connect(Path(sys.argv[1])))
counts, began = SweepCounts(), time.perf_counter()
asyncio.run(receive_unknown(pipeline, counts, bucket=None, prefix="known/"))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
print(json.dumps([time.perf_counter() - began, peak, counts.listed, counts.received]))
"""


@dataclass(frozen=True)
class Throughput:
    """`efficiency`: system's receipts a second ÷ the bare loop's. `overhead`: CPU seconds a receipt beside OCR."""

    efficiency: float
    overhead_cpu_seconds: float
    per_second: float


def measure_throughput(system: System, folder: Path, bare: Bare, count: int) -> Throughput:
    """A burst through the upload API: every receipt with its own flow run."""
    bodies = batch(folder, count)
    before = system.cpu_seconds()
    ids = _send(system, bodies)
    began = _started(system, ids)
    ends = system.finished(ids)
    time.sleep(_SETTLE_SECONDS)
    overhead = (system.cpu_seconds() - before) / count - bare.cpu_seconds
    rate = count / (ends[-1] - began)
    return Throughput(rate / bare.per_second, overhead, rate)


def _send(system: System, bodies: Sequence[bytes]) -> list[str]:
    with ThreadPoolExecutor(_SENDERS) as senders:
        return list(senders.map(system.post, bodies))


def _started(system: System, ids: Sequence[str]) -> float:
    query = "SELECT extract(epoch FROM min(received_at)) FROM receipts WHERE id = ANY(%s::uuid[])"
    row = system.database.execute(query, [list(ids)]).fetchone()
    assert row is not None
    return float(row[0])


def measure_latency(system: System, folder: Path, bare: Bare, count: int) -> dict[str, float]:
    """Seconds from the acknowledged upload to the row in the books, less OCR and parse, on an idle system."""
    seconds = []
    for body in batch(folder, count):
        receipt = system.post(body)
        acknowledged = time.time()
        seconds.append(system.finished([receipt])[0] - acknowledged - bare.cpu_seconds)
        time.sleep(0.7)
    seconds.sort()
    return {"p50": statistics.median(seconds), "p95": seconds[int(len(seconds) * 0.95)]}


def measure_backlog(system: System, folder: Path, count: int) -> tuple[float, float]:
    """Last ÷ first tenth's throughput of one backlog of equal receipts, and the worker's memory after ÷ before."""
    ids = _send(system, batch(folder, count, mixed=False))
    tenth = count // 10
    system.finished(ids[:tenth])
    memory = system.worker_rss_mb()
    ends = system.finished(ids)
    first, last = ends[tenth] - ends[0], ends[-1] - ends[-1 - tenth]
    return first / last, system.worker_rss_mb() / memory


def measure_sweep(system: System, count: int) -> tuple[float, float]:
    """Seconds and peak megabytes of a sweep over so many known objects."""
    keys = [f"known/{n:07d}" for n in range(count)]
    with ThreadPoolExecutor(16) as senders:
        etags = list(senders.map(lambda key: _put(system, key), keys))
    insert = (
        "INSERT INTO receipts (bucket, key, etag, version_id, owner, door, state) "
        "SELECT 'inbox', key, etag, version, 'known', 'sweep', 'review' "
        "FROM unnest(%s::text[], %s::text[], %s::text[]) AS object (key, etag, version)"
    )
    system.database.execute(insert, [keys, [etag for etag, _ in etags], [version for _, version in etags]])
    done = subprocess.run(
        [sys.executable, "-c", _SWEEP, str(system.settings.root)], check=True, capture_output=True, text=True
    )
    seconds, peak, listed, received = json.loads(done.stdout.splitlines()[-1])
    assert (listed, received) == (count, 0), (listed, received)
    return seconds, peak


def _put(system: System, key: str) -> tuple[str, str]:
    answer = system.s3.put_object(Bucket="inbox", Key=key, Body=key.encode())
    return answer["ETag"].strip('"'), answer.get("VersionId", "")
