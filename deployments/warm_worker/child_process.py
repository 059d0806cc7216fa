"""The worker's end of one warm child: hand it a job, wait for its answer or its process_exit."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from dataclasses import dataclass, field
from typing import Any

from deployments.warm_worker.process_control import kill_group, resident_bytes
from deployments.warm_worker.process_exit import ExitReason, ProcessExit, from_wait_status

_CHUNK_BYTES = 1 << 16
_MUCH_BYTES = 100_000_000  # models, not what a client or a library takes
Answer = dict[str, Any]


@dataclass(frozen=True)
class ProcessSpec:
    """What a child is made with and cannot change afterwards: only runs with the same spec share a child."""

    environment: tuple[tuple[str, str], ...] = ()
    nice: int = 0
    single_use: str = ""  # the run's id where the deployment changes its process (pull steps), else empty


@dataclass(frozen=True)
class ResourceLimits:
    """What one run may use. None is no bound."""

    memory_bytes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Job:
    """One thing to execute: `order` is what the child gets; `key` names it for cancelling (the flow run's id)."""

    key: str
    order: dict[str, Any]
    spec: ProcessSpec = field(default_factory=ProcessSpec)
    limits: ResourceLimits = field(default_factory=ResourceLimits)
    runs_per_process: int = 100
    module: str | None = None  # what the flow is imported from, where processes can share that
    flow: str = ""  # its id, for what it leaves behind in a process
    max_attempts: int = 5


class ChildProcess:
    """One forked child. `job` is what it works on, `last_message` (monotonic seconds) its last sign of life."""

    def __init__(self, pid: int, spec: ProcessSpec, link: socket.socket) -> None:
        self.pid = pid
        self.spec = spec
        self.job: Job | None = None
        self.reserved = True
        self.retiring = False
        self.started = self.last_message = time.monotonic()
        self.ended_last = 0.0
        self.runs = 0
        self._loaded: dict[str, tuple[float, int]] = {}  # by flow: its last end, bytes that it took
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._sending: set[asyncio.Task[None]] = set()
        self._killed_for: tuple[ExitReason | None, str] = (None, "")
        self._answer: asyncio.Future[Answer | ProcessExit] | None = None
        self.ended: asyncio.Future[ProcessExit] = self._loop.create_future()
        self._loop.add_reader(link.fileno(), self._receive)

    @property
    def is_free(self) -> bool:
        """Whether it can be given a job."""
        return not (self.reserved or self.retiring or self.ended.done())

    def holds_unused(self, seconds: float) -> bool:
        """Whether much memory is held for a flow that was not run here for so long, whatever else was."""
        before = time.monotonic() - seconds
        return self.is_free and any(at < before and grown > _MUCH_BYTES for at, grown in self._loaded.values())

    async def work(self, job: Job) -> Answer | ProcessExit:
        """Have the job executed; a child that dies meanwhile is an answer too, never an exception."""
        if self.ended.done():
            return self.ended.result()
        self._answer = self._loop.create_future()
        self.job, self.started, self.last_message = job, time.monotonic(), time.monotonic()
        self.runs += 1
        before = resident_bytes(self.pid) or 0
        self.send(job.order)
        try:
            return await self._answer
        finally:
            self.job, self.ended_last = None, time.monotonic()
            grown = (resident_bytes(self.pid) or 0) - before
            _, most = self._loaded.get(job.flow, (0.0, 0))
            self._loaded[job.flow] = self.ended_last, max(most, grown)

    def send(self, order: dict[str, Any]) -> None:
        """Send an order without waiting for what comes of it; to a dead child it is not sent."""
        if not self.ended.done():
            task = self._loop.create_task(self._send(json.dumps(order).encode() + b"\n"))
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)

    def stop(self) -> None:
        """Let the child end by itself, once it has sent its logs and events."""
        self.retiring = True
        self.send({"op": "stop"})

    def kill(self, reason: ExitReason, detail: str) -> None:
        """End the child now; the answer to its job will be this process_exit."""
        if self._killed_for[0] is None:
            self._killed_for = (reason, detail)
        kill_group(self.pid)

    def on_exit(self, status: int) -> None:
        """The zygote reaped it: nothing of it can act any more."""
        reason, detail = self._killed_for
        self._conclude(from_wait_status(self.pid, status, reason, detail))

    def on_zygote_gone(self) -> None:
        """The zygote died and the kernel kills its children: make sure, before anything is reported about the run."""
        kill_group(self.pid)
        self._conclude(ProcessExit(ExitReason.ZYGOTE, self.pid, detail=f"process {self.pid} died with its zygote"))

    def _conclude(self, process_exit: ProcessExit) -> None:
        self._drain()  # the answer may have been sent just before the end
        if self.ended.done():
            return
        self.ended.set_result(process_exit)
        if self._answer and not self._answer.done():
            self._answer.set_result(process_exit)
        self._loop.remove_reader(self._link.fileno())
        self._link.close()

    async def _send(self, data: bytes) -> None:
        try:
            await self._loop.sock_sendall(self._link, data)
        except OSError:
            return  # it is dead or dying: its exit is reported by the zygote, and that is what is acted on

    def _drain(self) -> None:
        while not self.ended.done() and self._receive():
            pass

    def _receive(self) -> bool:
        try:
            chunk = self._link.recv(_CHUNK_BYTES)
        except (BlockingIOError, ConnectionResetError):
            return False
        if not chunk:
            self._loop.remove_reader(self._link.fileno())
            return False
        self.last_message = time.monotonic()
        *lines, self._buffer = (self._buffer + chunk).split(b"\n")
        for line in lines:
            message = json.loads(line)
            if "outcome" in message and self._answer and not self._answer.done():
                self._answer.set_result(message)
        return True
