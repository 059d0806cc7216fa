"""Durable execution alone: four trivial steps in the warm worker, in Prefect's process worker and on DBOS, on one
PostgreSQL.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from prefect.workers.process import ProcessWorker

from benchmarks.bench.cpu import family_seconds
from benchmarks.bench.parts import Bench, Figures
from benchmarks.bench.pools import api
from benchmarks.bench.programs import python
from benchmarks.bench.system import System
from benchmarks.worker_cost import Bench as WorkerBench
from benchmarks.worker_cost import Cost
from deployments.warm_worker import WarmWorker

_LONGEST_SECONDS = 300


def trivial(bench: Bench) -> Figures:
    """All three, one after the other."""
    system = bench.system
    with api(system.environment) as client:
        warm = WorkerBench(system, client, WarmWorker.type).measure(bench.size(full=100, quick=30))
        process = WorkerBench(system, client, ProcessWorker.type).measure(bench.size(full=12, quick=4))
    return {
        "trivial_steps": _figures(warm),
        "trivial_steps_process_worker": _figures(process),
        "dbos": _dbos(system, bench.size(full=400, quick=100), singles=20),
    }


def _figures(cost: Cost) -> dict[str, float]:
    return {
        "runs_per_second": cost.runs_per_second,
        "latency_p50_seconds": cost.created_to_completed_p50_seconds,
        "process_cpu_seconds": cost.worker_cpu_seconds,
        "server_cpu_seconds": cost.server_cpu_seconds,
        "database_cpu_seconds": cost.database_cpu_seconds,
    }


def _dbos(system: System, runs: int, singles: int) -> dict[str, Any]:
    database = system.pids()["postgres"]
    script = str(Path(__file__).with_name("dbos_steps.py"))
    before = family_seconds(database)
    url = system.settings.database_url("dbos_bench")
    printed = python(script, url, str(runs), str(singles), seconds=_LONGEST_SECONDS)
    figures: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return {**figures, "database_cpu_seconds": (family_seconds(database) - before) / (runs + singles)}
