"""The stack under test: `receiptflow up` in a folder of its own, its processes by part, and whether a part answers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import psycopg
from botocore.config import Config

from deployments.stack.app_services import SPARE
from deployments.stack.settings import StackSettings

_START_SECONDS = 600.0
_ASK_SECONDS = 3.0
# Part → words of its program's command line.
_PROGRAMS = {
    "server": ("prefect", "server", "start"),
    "s3": ("mini",),
    "database": ("-D",),
    "worker": ("deployments.warm_worker.start_prefork_master",),
}
EXECUTION_LOG = "RECEIPTFLOW_EXECUTION_LOG"


class Rig:
    """One stack, started and started again on the same data."""

    def __init__(self, folder: Path, port: int) -> None:
        self.settings = StackSettings(data_dir=folder / "data", port=port)
        self.log = folder / "up.log"
        self.executions = folder / "executions.log"
        self._up: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the stack and return when its worker is up; the time of that is the machine's being back."""
        command = (str(Path(sys.executable).with_name("receiptflow")), "up", "--data", str(self.settings.root))
        with self.log.open("ab") as log:
            seen = log.tell()
            self._up = subprocess.Popen(
                [*command, "--port", str(self.settings.port)],
                stdout=log,
                stderr=log,
                env={**os.environ, EXECUTION_LOG: str(self.executions), "PYTHONUNBUFFERED": "1"},
            )
        deadline = time.monotonic() + _START_SECONDS
        while b"Ctrl-C stops" not in self.log.read_bytes()[seen:]:
            if self._up.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the stack did not start, see {self.log}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End the stack in order."""
        if self._up is not None:
            self._up.terminate()
            self._up.wait(120)

    def kill_machine(self) -> None:
        """Everything at once, as when the power goes."""
        if self._up is None:
            raise RuntimeError("start() first")
        top = psutil.Process(self._up.pid)
        process_tree = [top, *top.children(recursive=True)]
        for process in process_tree:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._up.wait()
        psutil.wait_procs(process_tree[1:], timeout=30)

    @property
    def environment(self) -> dict[str, str]:
        """What leads a client to this stack."""
        state = json.loads((self.settings.root / "stack.json").read_text())
        return {str(name): str(value) for name, value in state["environment"].items()}

    def process_tree(self, part: str) -> list[psutil.Process]:
        """All processes of a part, its program first; empty while it is down. Of the worker, all but its spare."""
        words = _PROGRAMS[part]
        for guardian in self._guardians():
            with contextlib.suppress(psutil.NoSuchProcess):
                line = guardian.cmdline()
                if all(word in line for word in words):
                    return [one for one in guardian.children(recursive=True) if one.name() != SPARE]
        return []

    def _guardians(self) -> list[psutil.Process]:
        if self._up is None:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return list(psutil.Process(self._up.pid).children())
        return []

    def prefork_master(self) -> psutil.Process | None:
        """The process that the worker and the zygote are forked from."""
        return next(iter(self.process_tree("worker")), None)

    def worker(self) -> psutil.Process | None:
        """The process that takes runs from the work pool."""
        return next((one for one in self._below_master() if not _leads_session(one) and one.name() != SPARE), None)

    def zygote(self) -> psutil.Process | None:
        """The process that flow runs' processes are forked from."""
        zygotes = [one for one in self._below_master() if _leads_session(one)]
        return max(zygotes, key=lambda zygote: len(_children(zygote)), default=None)

    def _below_master(self) -> list[psutil.Process]:
        master = self.prefork_master()
        return _children(master) if master else []

    def flow_processes(self) -> list[psutil.Process]:
        """The warm processes that execute flow runs."""
        zygote = self.zygote()
        return _children(zygote) if zygote else []

    def s3(self) -> Any:
        """A boto3 client of one's own, without retries."""
        env = self.environment
        return boto3.client(
            "s3",
            endpoint_url=env["RECEIPTFLOW_S3_ENDPOINT_URL"],
            aws_access_key_id=env["RECEIPTFLOW_S3_ACCESS_KEY"],
            aws_secret_access_key=env["RECEIPTFLOW_S3_SECRET_KEY"],
            region_name="us-east-1",
            config=Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 1}),
        )

    def database(self, name: str) -> psycopg.Connection[Any]:
        """A connection to `ledger` or `prefect`, outside all code under test."""
        host = str(self.settings.socket_dir)
        return psycopg.connect(host=host, user="postgres", dbname=name, connect_timeout=3, autocommit=True)

    def answers(self, part: str) -> bool:
        """Whether the part is there and does its work now."""
        try:
            return self._ask(part)
        except (OSError, httpx.HTTPError, psycopg.Error):
            return False

    def _ask(self, part: str) -> bool:
        if part == "server":
            return httpx.get(f"{self.settings.prefect_url}/api/health", timeout=_ASK_SECONDS).is_success
        if part == "s3":
            return httpx.get(f"{self.settings.s3_url}/healthz", timeout=_ASK_SECONDS).is_success
        if part == "database":
            with self.database("ledger") as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        return bool(self.flow_processes())


def _children(process: psutil.Process) -> list[psutil.Process]:
    with contextlib.suppress(psutil.NoSuchProcess):
        return list(process.children())
    return []


def _leads_session(process: psutil.Process) -> bool:
    """Whether it is a zygote: unlike the worker those have a session of their own."""
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(process.pid) == int(process.pid)
    return False


def free_ports(count: int) -> int:
    """First of so many free neighbouring ports below the range of outgoing connections.

    Runs that begin at the same time, with neighbouring process ids, begin to look far apart.
    """
    places = 12_000 // count
    for place in range(places):
        base = 20_000 + (os.getpid() * 7 + place) % places * count
        if all(_is_free(port) for port in range(base, base + count)):
            return base
    raise RuntimeError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
