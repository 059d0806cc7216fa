"""The whole system under measurement: `receiptflow up` in a folder of its own, and what it has spent and booked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import psycopg

from deployments.settings import StackSettings

_START_SECONDS = 300.0
_POLL_SECONDS = 0.2


class System:
    """One embedded stack as its users run it; everything is asked from outside."""

    def __init__(self, folder: Path, port: int) -> None:
        self.settings = StackSettings(data_dir=folder / "data", port=port)
        self.log = folder / "up.log"
        self._up: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> System:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the stack and return when all of it is up."""
        command = (str(Path(sys.executable).with_name("receiptflow")), "up", "--data", str(self.settings.root))
        with self.log.open("wb") as log:
            self._up = subprocess.Popen([*command, "--port", str(self.settings.port)], stdout=log, stderr=log)
        deadline = time.monotonic() + _START_SECONDS
        while b"Ctrl-C stops" not in self.log.read_bytes():
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the stack did not start: {self.log.read_text()[-2000:]}")
            time.sleep(_POLL_SECONDS)
        self.environment: dict[str, str] = json.loads((self.settings.root / "stack.json").read_text())["environment"]
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
        """Stop the stack as Ctrl-C does."""
        if self._up is not None:
            self._up.terminate()
            self._up.wait(timeout=90)
            self._up = None

    def cli(self, *arguments: str) -> str:
        """A command of ours, with --json."""
        command = [str(Path(sys.executable).with_name("receiptflow")), *arguments, "--json"]
        data = ("--data", str(self.settings.root))
        return subprocess.run([*command, *data], check=True, capture_output=True, text=True).stdout

    def post(self, body: bytes) -> str:
        """Hand one receipt in over HTTP; returns its id once it is acknowledged."""
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "image/jpeg"}
        answer = httpx.post(f"{self.settings.gateway_url}/receipts", content=body, headers=headers, timeout=60)
        answer.raise_for_status()
        return str(answer.json()["receipt_id"])

    def cpu_seconds(self) -> float:
        """CPU time of everything that the stack runs, ended processes included."""
        assert self._up is not None
        root = psutil.Process(self._up.pid)
        total = 0.0
        for process in [root, *root.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def worker_rss_mb(self) -> float:
        """Resident memory of the worker and its processes."""
        pid = json.loads((self.settings.root / "stack.json").read_text())["pids"]["worker"]
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        return sum(process.memory_info().rss for process in family) / 1e6

    def finished(self, ids: Sequence[str]) -> list[float]:
        """When each receipt got its place, in order of time, as seconds of the database's clock; waits for all."""
        query = (
            "SELECT extract(epoch FROM finished_at) FROM receipts WHERE id = ANY(%s::uuid[]) "
            "AND finished_at IS NOT NULL AND state NOT IN ('waiting', 'running') ORDER BY 1"
        )
        while True:
            rows = self.database.execute(query, [list(ids)]).fetchall()
            if len(rows) == len(ids):
                return [float(row[0]) for row in rows]
            time.sleep(_POLL_SECONDS)


def cores() -> int:
    """Cores of this machine."""
    return os.cpu_count() or 1
