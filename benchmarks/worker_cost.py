"""What orchestration costs: CPU seconds and throughput of a four-step run, warm worker against Prefect's own.

Starts a stack of its own (PostgreSQL, Prefect's server), runs the same empty flow through each kind of worker, and
prints CPU seconds per run by part (server, database, worker with its processes), less what the idle system costs in
the same time. `python -m benchmarks.worker_cost --runs 60 --process-runs 6`
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.workers.base import BaseWorker
from prefect.workers.process import ProcessWorker

from benchmarks.bench.cpu import family_seconds
from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from deployments.warm_worker import WarmWorker

_IDLE_SECONDS = 10.0
_SETTLE_SECONDS = 4.0  # logs and events are sent with a delay of up to two seconds
_STARTING_SECONDS = 120.0
_LONGEST_RUN_SECONDS = 30.0
_PAGE = 200  # the server's largest
_UNFINISHED = (
    StateType.SCHEDULED,
    StateType.PENDING,
    StateType.RUNNING,
    StateType.PAUSED,
    StateType.CANCELLING,
)
_TYPES: dict[str, type[BaseWorker[Any, Any, Any]]] = {"warm": WarmWorker, "process": ProcessWorker}


@dataclass(frozen=True)
class Cost:
    """One kind of worker. CPU seconds are per run and without the idle system's share."""

    worker_type: str
    runs: int
    runs_per_second: float
    server_cpu_seconds: float
    database_cpu_seconds: float
    worker_cpu_seconds: float
    created_to_completed_p50_seconds: float  # one at a time, on an idle system
    created_to_completed_p95_seconds: float


class RunningStack(Protocol):
    """What is asked of the stack that runs are executed on."""

    @property
    def environment(self) -> dict[str, str]:
        """Variables that lead a worker to it."""

    def pids(self) -> dict[str, int]:
        """Process id of each part."""


class Bench:
    """One stack with one worker on it."""

    def __init__(self, stack: RunningStack, client: SyncPrefectClient, worker_type: str) -> None:
        self.stack = stack
        self.client = client
        self.worker_type = worker_type
        self.pool = f"{worker_type}-{uuid.uuid4().hex[:6]}"

    def measure(self, runs: int) -> Cost:
        """Burst first (cost, throughput), then runs one at a time (latency)."""
        deployment = self._deploy()
        with self._worker() as worker:
            self._finish([self._create(deployment) for _ in range(4)])
            idle = self._idle(worker)
            began, before = time.monotonic(), self._cpu(worker)
            seconds = self._finish([self._create(deployment) for _ in range(runs)])
            time.sleep(_SETTLE_SECONDS)
            lasted = time.monotonic() - began
            spent = {part: total - before[part] for part, total in self._cpu(worker).items()}
            cost = {part: (spent[part] - idle[part] * lasted) / runs for part in spent}
            latencies = sorted(self._latency(deployment) for _ in range(min(runs, 20)))
        return Cost(
            worker_type=self.worker_type,
            runs=runs,
            runs_per_second=runs / seconds,
            server_cpu_seconds=cost["server"],
            database_cpu_seconds=cost["database"],
            worker_cpu_seconds=cost["worker"],
            created_to_completed_p50_seconds=statistics.median(latencies),
            created_to_completed_p95_seconds=latencies[int(len(latencies) * 0.95)],
        )

    def _deploy(self) -> uuid.UUID:
        kind = _TYPES[self.worker_type]
        template = kind.get_default_base_job_template()
        self.client.create_work_pool(WorkPoolCreate(name=self.pool, type=self.worker_type, base_job_template=template))
        return self.client.create_deployment(
            flow_id=self.client.create_flow_from_name("four-steps"),
            name=self.pool,
            work_pool_name=self.pool,
            entrypoint="worker_flow.four_steps",
        )

    @contextmanager
    def _worker(self) -> Iterator[int]:
        arguments = ["worker", "start", "--pool", self.pool, "--type", self.worker_type, "--limit", "2"]
        path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, **self.stack.environment, "PYTHONPATH": path}
        with Path(os.environ.get("WORKER_LOG", os.devnull)).open("ab") as log:
            command = [sys.executable, "-m", "prefect", *arguments]
            worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                yield worker.pid
            finally:
                worker.terminate()
                worker.wait(timeout=_STARTING_SECONDS)

    def _create(self, deployment: uuid.UUID) -> FlowRun:
        return self.client.create_flow_run_from_deployment(deployment)

    def _finish(self, runs: list[FlowRun]) -> float:
        """Wait for all; returns the seconds between the first claim and the last end, by the server's clock."""
        deadline = time.monotonic() + _STARTING_SECONDS + len(runs) * _LONGEST_RUN_SECONDS
        while (left := self._count(runs, *_UNFINISHED)) and time.monotonic() < deadline:
            time.sleep(0.5)
        if left:
            raise TimeoutError(f"{left} of {len(runs)} runs of work pool {self.pool} did not end; see WORKER_LOG")
        found = [run for chunk in _chunks(runs) for run in self.client.read_flow_runs(flow_run_filter=chunk)]
        starts = [run.start_time for run in found if run.start_time]
        ends = [run.end_time for run in found if run.end_time]
        if any(run.state_name != "Completed" for run in found):
            raise RuntimeError(f"not all runs of work pool {self.pool} completed")
        return (max(ends) - min(starts)).total_seconds()

    def _count(self, runs: list[FlowRun], *states: StateType) -> int:
        """How many of the runs are in these states. Counting costs the measured server less than reading."""
        wanted = FlowRunFilterState(type=FlowRunFilterStateType(any_=list(states)))
        total = 0
        for chunk in _chunks(runs):
            body = {"flow_runs": chunk.model_copy(update={"state": wanted}).model_dump(mode="json", exclude_none=True)}
            total += self.client.request("POST", "/flow_runs/count", json=body).json()
        return total

    def _latency(self, deployment: uuid.UUID) -> float:
        time.sleep(random.uniform(0.1, 0.5))
        run = self._create(deployment)
        deadline = time.monotonic() + _STARTING_SECONDS
        while not ((now := self.client.read_flow_run(run.id)).state and now.state.is_final()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"run {run.id} did not end")
            time.sleep(0.1)
        assert now.end_time and now.created
        return (now.end_time - now.created).total_seconds()

    def _cpu(self, worker: int) -> dict[str, float]:
        pids = self.stack.pids()
        return {
            "server": family_seconds(pids["prefect"]),
            "database": family_seconds(pids["postgres"]),
            "worker": family_seconds(worker),
        }

    def _idle(self, worker: int) -> dict[str, float]:
        time.sleep(_SETTLE_SECONDS)
        before = self._cpu(worker)
        time.sleep(_IDLE_SECONDS)
        return {part: (total - before[part]) / _IDLE_SECONDS for part, total in self._cpu(worker).items()}


def _chunks(runs: list[FlowRun]) -> Iterator[FlowRunFilter]:
    """Filters for all the runs, each of as many as the server takes at once."""
    ids = [run.id for run in runs]
    for start in range(0, len(ids), _PAGE):
        yield FlowRunFilter(id=FlowRunFilterId(any_=ids[start : start + _PAGE]))


def table(costs: list[Cost]) -> str:
    """The costs as a Markdown table."""
    rows = ["| | " + " | ".join(cost.worker_type for cost in costs) + " |", "|---|" + "---|" * len(costs)]
    for name in list(asdict(costs[0]))[1:]:
        values: list[Any] = [asdict(cost)[name] for cost in costs]
        rows.append(f"| {name} | " + " | ".join(f"{value:.3g}" for value in values) + " |")
    return "\n".join(rows)


def main() -> None:
    """Measure each kind of worker that was asked for, on one server."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=60, help="runs through the warm worker")
    parser.add_argument("--process-runs", type=int, default=0, help="runs through Prefect's process worker")
    parser.add_argument("--port", type=int, default=23_400)
    options = parser.parse_args()
    wanted = {"warm": options.runs, "process": options.process_runs}
    with tempfile.TemporaryDirectory() as folder:
        settings = StackSettings(data_dir=Path(folder), port=options.port)
        with Stack(settings, core=("postgres", "prefect")) as stack:
            own = stack.environment
            api = {PREFECT_API_URL: own["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: own["PREFECT_API_AUTH_STRING"]}
            with temporary_settings(api), get_client(sync_client=True) as client:
                costs = [Bench(stack, client, kind).measure(runs) for kind, runs in wanted.items() if runs]
    sys.stdout.write(table(costs) + "\n" + json.dumps([asdict(cost) for cost in costs]) + "\n")


if __name__ == "__main__":
    main()
