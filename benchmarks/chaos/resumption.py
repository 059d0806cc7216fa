"""How long work took to go on after each fault: from when what was struck was back."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.chaos.evidence import Evidence
from benchmarks.chaos.faults import OF_WORKER, Strike

FLOW_BOUND_SECONDS = 5.0
SERVER_BOUND_SECONDS = 30.0
# Strikes of one moment begin within this time of each other.
_TOGETHER_SECONDS = 0.5


@dataclass(frozen=True, order=True)
class Resumption:
    """How long work took to go on. `since` (Unix seconds) is when what was struck was back."""

    seconds: float
    since: float


def bound_of(kind: str) -> float:
    """The longest time, in seconds, in which work goes on after a fault of this kind."""
    part, _, _ = kind.partition(" ")
    return FLOW_BOUND_SECONDS if part in OF_WORKER else SERVER_BOUND_SECONDS


def percentile(values: Sequence[float], percent: int) -> float:
    """The value below which so many percent lie, interpolated."""
    return values[0] if len(values) == 1 else statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def resumptions(evidence: Evidence, strikes: Sequence[Strike]) -> dict[str, list[Resumption]]:
    """When work went on, by kind of fault.

    A run struck again before it resumed counts for the last strike, and one that had to wait for a server as well
    counts for that server: it cannot go on before.
    """
    found: dict[str, list[Resumption]] = defaultdict(list)
    ordered = sorted(strikes, key=lambda strike: strike.at)
    for number, strike in enumerate(ordered):
        later = (one.at for one in ordered[number + 1 :] if one.at > strike.at + _TOGETHER_SECONDS)
        until = min(later, default=float("inf"))
        last = _back_last(strike, ordered)
        since, kind = last.back, last.kind if last.is_server else strike.kind
        after = _progress(evidence, since) if strike.is_server else _resumptions(evidence, strike)
        found[kind].extend(Resumption(moment - since, since) for moment in after if since <= moment < until)
    return {kind: sorted(one) for kind, one in sorted(found.items()) if one}


def _back_last(strike: Strike, strikes: Sequence[Strike]) -> Strike:
    """What was back last of what was hit and whatever else was down at that moment or struck together with it."""
    others = (one for one in strikes if one.at < strike.at + _TOGETHER_SECONDS and one.back > strike.at)
    return max([strike, *others], key=lambda one: one.back)


def _resumptions(evidence: Evidence, strike: Strike) -> list[float]:
    """When each interrupted run was running again."""
    again = []
    for run in strike.interrupted:
        states = evidence.run_states.get(run, [])
        running = [at for at, kind, _ in states if kind == "RUNNING" and at > strike.at]
        again.extend(running[:1])
    return again


def _progress(evidence: Evidence, since: float) -> list[float]:
    """When something went on, if anything was there to go on with: a step, a receipt's state or a run."""
    work = any(
        one["received_at"].timestamp() < since and not (one["finished_at"] and _ended(one) < since)
        for one in evidence.receipts
    )
    runs = (at for states in evidence.run_states.values() for at, kind, _ in states if kind == "RUNNING")
    moments = [*(one.at for one in evidence.executions), *evidence.changes, *runs]
    first = min((moment for moment in moments if moment > since), default=None)
    return [first] if work and first is not None else []


def _ended(receipt: dict[str, Any]) -> float:
    return float(receipt["finished_at"].timestamp())
