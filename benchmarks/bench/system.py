"""The whole system under measurement: `receiptflow up` in a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import psycopg
from botocore.config import Config

from benchmarks.bench.observed import Observed, TooSlowError
from deployments.stack.settings import StackSettings
from flows.pipeline.durable_step import EXECUTION_LOG

_START_SECONDS = 300.0
_POLL_SECONDS = 0.2
_LOG_TAIL = 1500
# The gateway's limits of a key are for people.
_NO_LIMITS = dict.fromkeys(("RECEIPTFLOW_UPLOAD_RATE", "RECEIPTFLOW_REQUEST_RATE"), "1000000/minute")


def own_program() -> Path:
    """The command line of the environment that this process runs in."""
    return Path(sys.executable).with_name("receiptflow")


class System(Observed):
    """One embedded stack as its users run it; everything is asked from outside.

    Args:
        folder: For its state and its log.
        port: First of its ports.
        program: The command that starts it, another environment's if need be.
    """

    def __init__(self, folder: Path, port: int, program: Path | None = None) -> None:
        self._program = program or own_program()
        self.settings = StackSettings(data_dir=folder / "data", port=port)
        self.log, self.executions = folder / "up.log", folder / "executions"
        self._up: subprocess.Popen[bytes] | None = None
        settings = self.settings
        super().__init__(settings.gateway_url, settings.database_url("ledger"), settings.logs_dir, [self.executions])

    def __enter__(self) -> System:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the stack and return when all of it is up."""
        command = (str(self._program), "up", "--data", str(self.settings.root))
        environment = {**_NO_LIMITS, **os.environ, EXECUTION_LOG: str(self.executions)}
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
        self.database, self.prefect_database = (self._open(name) for name in ("ledger", "prefect"))
        self.s3: Any = boto3.client(
            "s3",
            endpoint_url=self.settings.s3_url,
            aws_access_key_id=self.environment["RECEIPTFLOW_S3_ACCESS_KEY"],
            aws_secret_access_key=self.environment["RECEIPTFLOW_S3_SECRET_KEY"],
            region_name="us-east-1",
            config=Config(max_pool_connections=32),  # as many as a part has threads that put objects
        )

    def _open(self, name: str) -> psycopg.Connection[Any]:
        return psycopg.connect(host=str(self.settings.socket_dir), user="postgres", dbname=name, autocommit=True)

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

    @property
    def supervisor_pid(self) -> int:
        """The process of `receiptflow up`."""
        if self._up is None:
            raise TooSlowError("the stack was stopped")
        return self._up.pid

    def require_alive(self) -> None:
        """Raise if the stack has ended by itself."""
        if self._up is None or self._up.poll() is not None:
            raise TooSlowError(f"the stack ended: {self.log.read_text()[-_LOG_TAIL:]}")

    def pids(self) -> dict[str, int]:
        """Process id of each part of the stack."""
        return dict(self._pids)
