"""Throughput of one host and of two, the way between servers, and whether each receipt was worked on once."""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.bench.cpu import process_tree
from benchmarks.bench.material import Receipts
from benchmarks.bench.observed import TooSlowError
from benchmarks.bench.parts import SETTLE_SECONDS, Figures, patience
from benchmarks.bench.steps import costs_by_content, mean_cpu
from benchmarks.bench_scale.site import HOSTS, Site

_WARM_ROUNDS = 20
_LOST_RECEIPTS = 8


def rate(site: Site, receipts: Receipts, count: int, hosts: int) -> Figures:
    """Receipts a second once all hosts work, from the first that is processed; CPU seconds a receipt by part."""
    warm(site, receipts, hosts)
    bodies = receipts.batch(count, mixed=False)
    before = site.cpu_seconds()
    ids = site.post_all(bodies)
    ends = site.finished(ids, patience(count))
    time.sleep(SETTLE_SECONDS)
    after = site.cpu_seconds()
    reading = mean_cpu(site.costs(bodies))
    return {
        "receipts_per_second": (count - 1) / (ends[-1] - ends[0]),
        "reading_cpu_seconds": reading,
        "cpu_seconds": {name: (seconds - before[name]) / count for name, seconds in sorted(after.items())},
    }


def warm(site: Site, receipts: Receipts, hosts: int) -> None:
    """Give receipts until so many hosts share them."""
    for _ in range(_WARM_ROUNDS):
        before = _taken(site)
        bodies = receipts.batch(2 * hosts, mixed=False)
        site.finished(site.post_all(bodies), patience(len(bodies)))
        if sum(after > before[host] for host, after in _taken(site).items()) == hosts:
            return
    raise TooSlowError(f"{hosts} hosts did not share the receipts")


def _taken(site: Site) -> Counter[str]:
    """Receipts by host, from the hosts' own logs."""
    return Counter({host: len(costs_by_content(site.cluster.executions(host))) for host in HOSTS})


def wake_up(site: Site, receipts: Receipts, singles: int) -> dict[str, float]:
    """Seconds from the acknowledged upload to the beginning of work, one receipt at a time, whichever host takes it."""
    waits = []
    query = "SELECT extract(epoch FROM started_at) FROM receipts WHERE id = %s AND finished_at IS NOT NULL"
    for body in receipts.batch(singles, mixed=False):
        receipt = site.post(body)
        acknowledged = time.time()
        waits.append(site.awaited(query, [receipt], 1, patience(1))[0] - acknowledged)
        time.sleep(1.0)
    return {"p50": statistics.median(waits), "most": max(waits)}


def lost_host(site: Site, receipts: Receipts) -> dict[str, float]:
    """A host is killed while it reads; seconds until its receipt is processed, read by the other host or its own next.

    Its supervisor starts the worker anew, in another process namespace: to the others it is a new host.
    """
    bodies = receipts.batch(_LOST_RECEIPTS, mixed=False)
    log, host = site.cluster.executions("b"), site.pids()["host-b"]
    before = _open_readings(log)
    ids = site.post_all(bodies)
    deadline = time.monotonic() + patience(len(bodies))
    while not (cut := _open_readings(log) - before):
        if time.monotonic() > deadline:
            raise TooSlowError("host b took nothing")
        time.sleep(0.01)
    killed = time.time()
    for process in reversed(process_tree(host)):
        with suppress(psutil.NoSuchProcess):
            process.kill()
    query = "SELECT extract(epoch FROM finished_at) FROM receipts WHERE sha256 = ANY(%s) AND finished_at IS NOT NULL"
    ends = site.awaited(query, [list(cut)], len(cut), patience(len(bodies)))
    site.finished(ids, patience(len(bodies)))
    return {"receipts_cut_off": len(cut), "seconds": ends[-1] - killed}


def _open_readings(log: Path) -> set[str]:
    """Contents whose reading has begun on a host and is not durable."""
    lines = [line.split("\t") for line in log.read_text().splitlines()]
    texts = [fields for fields in lines if fields[2] == "extract_text"]
    return {fields[3] for fields in texts if fields[1] == "started"} - {
        fields[3] for fields in texts if fields[1] == "durable"
    }


def once_each(site: Site) -> dict[str, int]:
    """What the ledger and the hosts' own logs say of everything that was sent: lost, doubled, read twice."""
    rows = site.database.execute(
        "SELECT count(*), count(*) FILTER (WHERE state NOT IN ('expensed', 'review')), "
        "count(*) FILTER (WHERE attempt > 1) FROM receipts"
    ).fetchone()
    assert rows is not None
    starts = Counter(_started(site))
    return {
        "receipts": rows[0],
        "not_processed": rows[1],
        "begun_again": rows[2],
        "read_twice": sum(count > 1 for count in starts.values()),
        **{f"by_host_{host}": count for host, count in _taken(site).items()},
    }


def _started(site: Site) -> Sequence[str]:
    lines = [
        line.split("\t")
        for host in HOSTS
        if (log := site.cluster.executions(host)).exists()
        for line in log.read_text().splitlines()
    ]
    return [fields[3] for fields in lines if fields[1:3] == ["started", "extract_text"]]
