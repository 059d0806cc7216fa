"""Efficiency, CPU beside OCR and parse, and its profile by part: rounds of the bare loop and of the system in turn.

Efficiency is the system's receipts a second over the bare loop's with the same pictures, round by round. The bare
loop runs beside the idle stack, which takes a little of its cores: its rate is raised by that share, as if it had the
machine for itself.
"""

from __future__ import annotations

import statistics
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.bench.bare import Bare
from benchmarks.bench.observed import cores
from benchmarks.bench.parts import SETTLE_SECONDS, Bench, Figures, patience
from benchmarks.bench.steps import mean_cpu
from benchmarks.bench.system import System
from benchmarks.bench.writes import WRITTEN_SECONDS, database_counters, each

_IDLE_SECONDS = 8.0
_WARM = 8


@dataclass(frozen=True)
class Round:
    """One round: the baseline's figures and the system's, CPU by part in seconds a receipt."""

    bare: Bare
    per_second: float
    cpu: Counter[str]
    reading_cpu: float
    seconds: float  # a receipt; so long does what the idle stack takes fall to it


def throughput(bench: Bench) -> Figures:
    """Bursts through the upload API, every receipt with its own flow run."""
    system = bench.system
    system.finished(system.post_all(bench.batch(_WARM)), patience(_WARM))
    idle = idle_cores(system)  # long enough for what the warm-up writes late
    rounds, size = bench.size(full=4, quick=2), bench.size(full=80, quick=20)
    counted = database_counters(system)
    done = [_round(bench, bench.batch(size), idle) for _ in range(rounds)]
    time.sleep(WRITTEN_SECONDS)
    written = each(database_counters(system), counted, rounds * size)
    free = 1 - idle.total() / cores()
    efficiencies = [one.per_second / one.bare.per_second * free for one in done]
    bench.say("efficiency by round: " + ", ".join(f"{value:.3f}" for value in efficiencies))
    return {
        "efficiency": statistics.mean(efficiencies),
        "efficiency_rounds": efficiencies,
        "overhead_cpu_seconds": statistics.mean(one.cpu.total() - one.reading_cpu for one in done),
        "overhead_cpu_rounds": [one.cpu.total() - one.reading_cpu for one in done],
        "overhead_idle_share_seconds": idle.total() * statistics.mean(one.seconds for one in done),
        "receipts_per_second": statistics.mean(one.per_second for one in done),
        "bare_receipts_per_second": statistics.mean(one.bare.per_second for one in done),
        "reading_cpu_seconds": {
            "bare": statistics.mean(one.bare.cpu_seconds for one in done),
            "system": statistics.mean(one.reading_cpu for one in done),
        },
        "idle_cores": {"all": idle.total(), **dict(idle.most_common())},
        "written_per_receipt": written,
        "profile_cpu_seconds": profile(done),
    }


def idle_cores(system: System) -> Counter[str]:
    """How many cores each part takes while nothing is to be done."""
    time.sleep(SETTLE_SECONDS)
    before, began = system.cpu_seconds(), time.monotonic()
    time.sleep(_IDLE_SECONDS)
    return _each(system.cpu_seconds(), before, time.monotonic() - began)


def profile(rounds: Sequence[Round]) -> dict[str, float]:
    """CPU seconds of one receipt's way by part, the largest first; OCR and parse apart from the rest of its process."""
    parts: Counter[str] = Counter()
    for one in rounds:
        parts.update({name: seconds / len(rounds) for name, seconds in one.cpu.items()})
    reading = statistics.mean(one.reading_cpu for one in rounds)
    parts["worker: flow runs"] -= reading  # type: ignore[assignment]  # a Counter counts floats too
    return {"OCR and parse": reading, **dict(parts.most_common())}


def _round(bench: Bench, bodies: Sequence[bytes], idle: Counter[str]) -> Round:
    system = bench.system
    bare = bench.bare.measure(bodies)
    before = system.cpu_seconds()
    ids = system.post_all(bodies)
    ends = system.finished(ids, patience(len(bodies)))
    time.sleep(SETTLE_SECONDS)
    # The pause is the measurement's, not the receipts': what the idle stack takes in it is not theirs.
    before.update({name: share * SETTLE_SECONDS for name, share in idle.items()})
    cpu = _each(system.cpu_seconds(), before, len(bodies))
    seconds = ends[-1] - _first_received(system, ids)
    return Round(bare, len(bodies) / seconds, cpu, mean_cpu(system.costs(bodies)), seconds / len(bodies))


def _each(after: Counter[str], before: Counter[str], count: float) -> Counter[str]:
    return Counter({name: (seconds - before[name]) / count for name, seconds in after.items()})


def _first_received(system: System, ids: Sequence[str]) -> float:
    query = "SELECT extract(epoch FROM min(received_at)) FROM receipts WHERE id = ANY(%s::uuid[])"
    return system.awaited(query, [list(ids)], 1, seconds=1)[0]
