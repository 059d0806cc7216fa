"""Durable execution alone: four trivial steps in our worker on Prefect, and the same on DBOS, on one PostgreSQL."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.bench.cpu import family_seconds
from benchmarks.bench.parts import Bench, Figures
from benchmarks.bench.pools import api
from benchmarks.bench.programs import python
from benchmarks.bench.system import System
from benchmarks.worker_cost import Bench as WorkerBench
from deployments.warm_worker import WarmWorker

_LONGEST_SECONDS = 300


def trivial(bench: Bench) -> Figures:
    """Both, one after the other."""
    system = bench.system
    with api(system.environment) as client:
        ours = WorkerBench(system, client, WarmWorker.type).measure(bench.size(full=100, quick=30))
    return {
        "trivial_steps": {
            "runs_per_second": ours.runs_per_second,
            "latency_p50_seconds": ours.created_to_completed_p50_seconds,
            "process_cpu_seconds": ours.worker_cpu_seconds,
            "server_cpu_seconds": ours.server_cpu_seconds,
            "database_cpu_seconds": ours.database_cpu_seconds,
        },
        "dbos": _dbos(system, bench.size(full=400, quick=100), singles=20),
    }


def _dbos(system: System, runs: int, singles: int) -> dict[str, Any]:
    database = system.pids()["postgres"]
    script = str(Path(__file__).with_name("dbos_steps.py"))
    before = family_seconds(database)
    url = system.settings.database_url("dbos_bench")
    printed = python(script, url, str(runs), str(singles), seconds=_LONGEST_SECONDS)
    figures: dict[str, Any] = json.loads(printed.splitlines()[-1])
    return {**figures, "database_cpu_seconds": (family_seconds(database) - before) / (runs + singles)}
