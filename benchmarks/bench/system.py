"""The whole system under measurement: `receiptflow up` in a folder of its own, and what it has spent and booked."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg

from benchmarks.bench.cpu import resident_mb, seconds_by_part
from benchmarks.bench.steps import Cost, costs_by_content
from deployments.settings import StackSettings
from flows.ledger import Scope, create_key, open_ledger
from flows.steps import EXECUTION_LOG

_START_SECONDS = 300.0
_POLL_SECONDS = 0.2
_LOG_TAIL = 1500
SENDERS = 4


class TooSlowError(Exception):
    """Something did not come about in the time that it may take at the very most."""


class System:
    """One embedded stack as its users run it; everything is asked from outside."""

    def __init__(self, folder: Path, port: int) -> None:
        self.settings = StackSettings(data_dir=folder / "data", port=port)
        self.log, self.executions = folder / "up.log", folder / "executions"
        self._up: subprocess.Popen[bytes] | None = None
        self._clients = threading.local()

    def __enter__(self) -> System:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the stack and return when all of it is up."""
        command = (str(Path(sys.executable).with_name("receiptflow")), "up", "--data", str(self.settings.root))
        environment = {**os.environ, EXECUTION_LOG: str(self.executions)}
        with self.log.open("wb") as log:
            self._up = subprocess.Popen(
                [*command, "--port", str(self.settings.port)], stdout=log, stderr=log, env=environment
            )
        deadline = time.monotonic() + _START_SECONDS
        while b"Ctrl-C stops" not in self.log.read_bytes():
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise TooSlowError(f"the stack did not start: {self.log.read_text()[-_LOG_TAIL:]}")
            time.sleep(_POLL_SECONDS)
        self._connect()

    def _connect(self) -> None:
        state = json.loads((self.settings.root / "stack.json").read_text())
        self.environment: dict[str, str] = state["environment"]
        self._pids: dict[str, int] = state["pids"]
        self.key = (self.settings.root / "api-key").read_text().strip()
        self.database = psycopg.connect(
            host=str(self.settings.socket_dir), user="postgres", dbname="ledger", autocommit=True
        )
        self.s3: Any = boto3.client(
            "s3",
            endpoint_url=self.settings.s3_url,
            aws_access_key_id=self.environment["RECEIPTFLOW_S3_ACCESS_KEY"],
            aws_secret_access_key=self.environment["RECEIPTFLOW_S3_SECRET_KEY"],
            region_name="us-east-1",
        )

    def stop(self) -> None:
        """Stop the stack as Ctrl-C does; by force where that takes too long."""
        if self._up is None:
            return
        self._up.terminate()
        try:
            self._up.wait(timeout=90)
        except subprocess.TimeoutExpired:
            self._up.kill()  # its guardians kill what it ran
            self._up.wait()
        self._up = None

    def pids(self) -> dict[str, int]:
        """Process id of each part of the stack."""
        return dict(self._pids)

    def new_key(self, owner: str) -> str:
        """An API key of an owner of one's own."""
        ledger = open_ledger(self.settings.database_url("ledger"))
        try:
            with ledger.session() as session:
                return create_key(owner, "benchmark", list(Scope), session=session)[1]
        finally:
            ledger.close()

    def try_post(self, body: bytes, key: str | None = None) -> httpx.Response:
        """Hand one receipt in over HTTP, on this thread's own connection; whatever the gateway answers."""
        if not hasattr(self._clients, "http"):
            self._clients.http = httpx.Client(base_url=self.settings.gateway_url, timeout=60)
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "image/jpeg"}
        answer: httpx.Response = self._clients.http.post("/receipts", content=body, headers=headers)
        return answer

    def post(self, body: bytes) -> str:
        """Hand one receipt in over HTTP; returns its id once it is acknowledged."""
        answer = self.try_post(body)
        answer.raise_for_status()
        return str(answer.json()["receipt_id"])

    def post_all(self, bodies: Sequence[bytes]) -> list[str]:
        """Hand several in, a few at once; their ids in order."""
        with ThreadPoolExecutor(SENDERS) as senders:
            return list(senders.map(self.post, bodies))

    def cpu_seconds(self) -> Counter[str]:
        """CPU time by part of everything that the stack runs, ended processes included."""
        assert self._up is not None
        return seconds_by_part(self._up.pid, self._pids)

    def resident_mb(self) -> dict[str, float]:
        """Resident memory of each part."""
        return {name: resident_mb(pid) for name, pid in self._pids.items()}

    def costs(self, bodies: Sequence[bytes]) -> list[Cost]:
        """What OCR and parse of these contents cost inside the system, in order."""
        known = costs_by_content(self.executions)
        return [known[hashlib.sha256(body).hexdigest()] for body in bodies]

    def finished(self, ids: Sequence[str], seconds: float) -> list[float]:
        """When each receipt got its place, in order of time, as seconds of the database's clock; waits for all.

        Raises:
            TooSlowError: they did not within `seconds`.
        """
        query = (
            "SELECT extract(epoch FROM finished_at) FROM receipts WHERE id = ANY(%s::uuid[]) "
            "AND finished_at IS NOT NULL AND state NOT IN ('waiting', 'running') ORDER BY 1"
        )
        return self.awaited(query, [list(ids)], len(ids), seconds)

    def awaited(self, query: str, parameters: list[Any], count: int, seconds: float) -> list[float]:
        """The first column of a query of the ledger, once it has `count` rows.

        Raises:
            TooSlowError: it had not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while len(rows := self.database.execute(query, parameters).fetchall()) < count:
            if self._up is None or self._up.poll() is not None:
                raise TooSlowError(f"the stack ended: {self.log.read_text()[-_LOG_TAIL:]}")
            if time.monotonic() > deadline:
                tail = (self.settings.logs_dir / "worker.log").read_text()[-_LOG_TAIL:]
                raise TooSlowError(f"{len(rows)} of {count} receipts were done after {seconds:.0f} s. Worker: {tail}")
            time.sleep(_POLL_SECONDS)
        return [float(row[0]) for row in rows]


def cores() -> int:
    """Cores of this machine."""
    return os.cpu_count() or 1
