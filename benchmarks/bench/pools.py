"""Work pools of one's own on the measured stack: the receipts' flow, or another, in workers that the caller starts.

The receipts lie in a bucket of their own, which sends no events, so that the stack's own worker stays idle.
"""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings
from prefect.workers.process import ProcessWorker

from benchmarks.bench.system import System
from deployments.receipt_worker import ReceiptWorker
from deployments.warm_worker import WarmWorker
from flows.pipeline.durable_step import EXECUTION_LOG

RECEIPT_FLOW = ("receipt-to-expense", "flows.receipt_to_expense.receipt_to_expense")
_TYPES = {kind.type: kind for kind in (ReceiptWorker, WarmWorker, ProcessWorker)}
_STOP_SECONDS = 60.0
_DONE = (
    "SELECT extract(epoch FROM finished_at) FROM receipts WHERE bucket = %s AND key = ANY(%s) "
    "AND finished_at IS NOT NULL AND state NOT IN ('waiting', 'running') ORDER BY 1"
)


@contextmanager
def api(environment: Mapping[str, str]) -> Iterator[SyncPrefectClient]:
    """A client of the Prefect server that this environment names."""
    values = {
        PREFECT_API_URL: environment["PREFECT_API_URL"],
        PREFECT_API_AUTH_STRING: environment["PREFECT_API_AUTH_STRING"],
    }
    with temporary_settings(values), get_client(sync_client=True) as client:
        yield client


class OwnPool:
    """One work pool of a worker type with one deployment in it, and a bucket for its receipts."""

    def __init__(self, system: System, client: SyncPrefectClient, worker_type: str) -> None:
        self.name = f"bench-{worker_type}-{uuid.uuid4().hex[:6]}"
        self._system, self._client, self._type = system, client, worker_type
        self.log = system.settings.logs_dir / f"{self.name}.log"
        system.s3.create_bucket(Bucket=self.name)
        template = _TYPES[worker_type].get_default_base_job_template()
        client.create_work_pool(WorkPoolCreate(name=self.name, type=worker_type, base_job_template=template))
        flow, entrypoint = RECEIPT_FLOW
        self._deployment = client.create_deployment(
            flow_id=client.create_flow_from_name(flow),
            name=self.name,
            work_pool_name=self.name,
            entrypoint=entrypoint,
        )

    def submit(self, bodies: Sequence[bytes]) -> list[str]:
        """Store the receipts and create their runs; their keys."""
        keys = [f"bench/{uuid.uuid4().hex}.jpg" for _ in bodies]
        for key, body in zip(keys, bodies, strict=True):
            self._system.s3.put_object(Bucket=self.name, Key=key, Body=body)
            parameters = {"key": key, "bucket": self.name, "owner": "bench"}
            self._client.create_flow_run_from_deployment(self._deployment, parameters=parameters)
        return keys

    def finished(self, keys: Sequence[str], seconds: float) -> list[float]:
        """When each receipt was processed, in order of time; waits for all."""
        return self._system.awaited(_DONE, [self.name, list(keys)], len(keys), seconds)

    @contextmanager
    def worker(self, limit: int) -> Iterator[int]:
        """A worker with so many runs at once, as its users start it; its process id."""
        arguments = ["worker", "start", "--pool", self.name, "--type", self._type, "--limit", str(limit)]
        environment = {**os.environ, **self._system.environment, EXECUTION_LOG: str(self._system.executions)}
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "prefect", *arguments]
            worker = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
            try:
                yield worker.pid
            finally:
                _end(worker)


def _end(worker: subprocess.Popen[Any]) -> None:
    worker.terminate()
    try:
        worker.wait(timeout=_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()
