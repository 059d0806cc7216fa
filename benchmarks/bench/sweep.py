"""A sweep over objects that are all known: its seconds and its peak memory.

In a bucket of its own, versioned like the inbox, which sends no events.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bench.parts import Bench, Figures
from benchmarks.bench.programs import python
from benchmarks.bench.system import System

_TARGET_OBJECTS = 100_000
_LONGEST_SECONDS = 600
_PUTTERS = 16
_BUCKET = "known"
# In a process of its own, so that the peak is the sweep's: VmHWM, since getrusage begins with what the parent had.
_SWEEP = r"""
import asyncio, json, re, sys, time
from pathlib import Path
from deployments.cli.connection import connect
from flows.sweep_inbox import SweepCounts, receive_unknown
pipeline = asyncio.run(connect(Path(sys.argv[1])))
counts, began = SweepCounts(), time.perf_counter()
asyncio.run(receive_unknown(pipeline, counts, bucket=sys.argv[2], prefix=""))
peak = int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1]) * 1024 / 1e6
print(json.dumps([time.perf_counter() - began, peak, counts.listed, counts.received]))
"""


def sweep(bench: Bench) -> Figures:
    """Put objects, record them as known, sweep. Fewer objects than the target's are scaled to it, which is said."""
    system, count = bench.system, bench.size(full=_TARGET_OBJECTS, quick=10_000)
    _make_known(system, count)
    command = ("-c", _SWEEP, str(system.settings.root), _BUCKET)
    printed = python(*command, seconds=_LONGEST_SECONDS, environment=system.environment)
    seconds, peak, listed, received = json.loads(printed.splitlines()[-1])
    if (listed, received) != (count, 0):
        raise RuntimeError(f"the sweep listed {listed} objects and received {received}; it should be {count} and 0")
    return {
        "sweep_100k_seconds": seconds * _TARGET_OBJECTS / count,
        "sweep_100k_rss_mb": peak,
        "sweep_objects": count,
    }


def _make_known(system: System, count: int) -> None:
    system.s3.create_bucket(Bucket=_BUCKET)
    system.s3.put_bucket_versioning(Bucket=_BUCKET, VersioningConfiguration={"Status": "Enabled"})
    keys = [f"known/{n:07d}" for n in range(count)]
    with ThreadPoolExecutor(_PUTTERS) as senders:
        versions = list(senders.map(lambda key: _put(system, key), keys))
    insert = (
        "INSERT INTO receipts (bucket, key, etag, version_id, owner, source, state) "
        "SELECT %s, key, etag, version, 'known', 'sweep', 'review' "
        "FROM unnest(%s::text[], %s::text[], %s::text[]) AS object (key, etag, version)"
    )
    system.database.execute(insert, [_BUCKET, keys, *map(list, zip(*versions, strict=True))])


def _put(system: System, key: str) -> tuple[str, str]:
    answer = system.s3.put_object(Bucket=_BUCKET, Key=key, Body=key.encode())
    return answer["ETag"].strip('"'), answer.get("VersionId", "")
