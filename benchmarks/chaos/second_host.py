"""A second host: a worker in a process namespace of its own, which reaches Prefect's server through a proxy that can
cut it off, and whose clock can be moved.

A proxy instead of a network namespace, because the embedded stack listens on 127.0.0.1 alone. Only the server is cut
off: S3 and the ledger stay in reach, so that what the host goes on writing meets the fence. The clock is libfaketime's,
for this host's processes alone: the machine's own belongs to everybody on it. Where either is missing, `missing` says
what, and the faults that need it are not dealt.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx

from benchmarks.chaos.rig import EXECUTION_LOG, Rig

NAME = "second-host"
# Of deployments.provisioning and deployments.receipt_worker, which import Prefect; that reads the environment then, and
# the stack's is not there yet.
_POOL, _WORKER_TYPE = "receipts", "receiptflow"
_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child=SIGTERM")
_START_SECONDS = 120.0
_CHUNK = 65536
_LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")


def faketime_library() -> Path | None:
    """Debian's and Fedora's libfaketime, if it is installed."""
    return next((path for pattern in _LIBRARIES for path in Path("/").glob(pattern[1:])), None)


def wrong_clock(file: Path) -> dict[str, str]:
    """The environment of a process whose time of day is wrong by what the file says; nothing without libfaketime."""
    library = faketime_library()
    if library is None:
        return {}
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }


def missing() -> dict[str, str]:
    """What this machine lacks, by the fault that needs it."""
    lacks: dict[str, str] = {}
    if not _can_have_namespaces():
        lacks = dict.fromkeys(
            (f"{NAME} cut off", f"{NAME} clock"), "process namespaces (unshare --pid) are not allowed"
        )
    elif faketime_library() is None:
        lacks[f"{NAME} clock"] = "libfaketime is not installed"
    return lacks


def _can_have_namespaces() -> bool:
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run([*_NAMESPACE, "true"], capture_output=True, check=False).returncode == 0
    return False


class SecondHost:
    """Started when it is first needed, and again if it has died; `stop` ends it."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        self._folder = rig.log.parent / NAME
        self._proxy: Proxy | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def proxy(self) -> Proxy:
        """The way to the server."""
        if self._proxy is None:
            self._proxy = Proxy(self._rig.settings.ports.prefect)
        return self._proxy

    def start(self) -> None:
        """Return once the server has heard of it; raises RuntimeError if that does not come about."""
        if self._process is None or self._process.poll() is not None:
            self._launch()
        end = time.monotonic() + _START_SECONDS
        while not self._is_heard():
            if time.monotonic() > end:
                raise RuntimeError(f"the second host did not start, see {self._folder}/host.log")
            time.sleep(0.5)

    def _launch(self) -> None:
        self._folder.mkdir(exist_ok=True)
        self.set_clock(0)
        arguments = ("worker", "start", "--pool", _POOL, "--type", _WORKER_TYPE, "--name", NAME, "--limit", "1")
        with (self._folder / "host.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_NAMESPACE, sys.executable, "-m", "prefect", *arguments],
                env=self._environment(),
                stdout=log,
                stderr=log,
            )

    def _environment(self) -> dict[str, str]:
        own = {
            "PREFECT_API_URL": f"http://127.0.0.1:{self.proxy.port}/api",
            "PREFECT_HOME": str(self._folder / "prefect"),
            "RECEIPTFLOW_DATA_DIR": str(self._folder),
            EXECUTION_LOG: str(self._rig.executions),
        }
        return {**os.environ, **self._rig.environment, **own, **wrong_clock(self._clock)}

    @property
    def _clock(self) -> Path:
        return self._folder / "clock"

    def set_clock(self, offset_seconds: int) -> None:
        """Let this host's clock be wrong by so much."""
        beside = self._clock.with_suffix(".new")
        beside.write_text(f"{offset_seconds:+d}s\n")
        beside.replace(self._clock)

    def _is_heard(self) -> bool:
        url = f"{self._rig.settings.prefect_url}/api/work_pools/{_POOL}/workers/filter"
        user, _, password = self._rig.environment["PREFECT_API_AUTH_STRING"].partition(":")
        with contextlib.suppress(httpx.HTTPError, ValueError):
            workers = httpx.post(url, json={}, auth=(user, password), timeout=5).json()
            return any(worker["name"] == NAME and worker["status"] == "ONLINE" for worker in workers)
        return False

    def stop(self) -> None:
        """End it with all that it started."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)  # unshare ignores others; it passes a SIGTERM on
            self._process.wait(60)
        if self._proxy is not None:
            self._proxy.close()


class Proxy:
    """Passes TCP connections on to a port of this machine. While it is cut, nothing passes and nobody is told."""

    def __init__(self, target_port: int) -> None:
        self._target, self._cut, self._closed = target_port, threading.Event(), threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, seconds: float) -> None:
        """Let nothing pass for so long; connections of that time are reset at its end."""
        self._cut.set()
        time.sleep(seconds)
        self._cut.clear()

    def close(self) -> None:
        """Accept no more."""
        self._closed.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self._closed.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client:
            if self._wait_while_cut():
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                return
            with server:
                self._between(client, server)

    def _between(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        while not self._closed.is_set():
            if self._wait_while_cut():
                return
            readable, _, _ = select.select([client, server], [], [], 0.2)
            for one in readable:
                try:
                    data = one.recv(_CHUNK)
                    if not data:
                        return
                    other[one].sendall(data)
                except OSError:
                    return

    def _wait_while_cut(self) -> bool:
        """Whether the line was cut meanwhile, which ends the connection."""
        was_cut = self._cut.is_set()
        while self._cut.is_set():
            time.sleep(0.05)
        return was_cut
