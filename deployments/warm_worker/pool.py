"""The pool of warm children: at most `size` of them, each with one job at a time, replaced when worn or stale.

What runs is the worker's decision; here is only in which process. A job gets an idle child of its spec, else a new
one, for which an idle child of another spec makes room. A child of an older generation of code never gets a job.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from functools import partial
from types import TracebackType
from typing import Any

from prefect.logging.loggers import get_logger

from deployments.warm_worker.background import BackgroundServices
from deployments.warm_worker.child_process import Answer, ChildProcess, Job, ProcessSpec
from deployments.warm_worker.code_fingerprint import CodeFingerprint
from deployments.warm_worker.master_link import MasterLink
from deployments.warm_worker.process_control import resident_bytes
from deployments.warm_worker.process_exit import ExitReason, ProcessExit
from deployments.warm_worker.watchdog import watch
from deployments.warm_worker.zygote_process import ZygoteProcess

_FORK_ATTEMPTS = 3
_RECYCLE_SHARE = 0.75  # of the memory limit: between runs a child this large is replaced, not killed later in one
_STOP_SECONDS = 15.0


class ProcessPool:
    """Executes jobs in at most `size` warm children, forked from a zygote that has `modules` imported.

    With a prefork master the zygote is a fork of it as long as the code has not changed, and so there at once.
    """

    def __init__(self, size: int, modules: list[str], master: MasterLink | None = None) -> None:
        self.size = size
        self._master = master
        self._code = CodeFingerprint(modules)
        self._fingerprint = self._seen = ""
        self._zygote: ZygoteProcess | None = None
        self._generations: list[ZygoteProcess] = []
        self._recent: ProcessSpec | None = None
        self._busy: deque[tuple[float, int]] = deque([(time.monotonic(), size)])  # when so many worked, at least
        self._choosing = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._logger = get_logger("worker.pool")
        self._services = BackgroundServices(self._logger)

    async def __aenter__(self) -> ProcessPool:
        self._services.start("watchdog", partial(watch, self.children))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for child in self.children():
            if child.job is None:
                self._retire(child)
            else:
                child.kill(ExitReason.LOST, "the worker was stopped")
        while self._tasks:
            await asyncio.wait(self._tasks)
        for zygote in self._generations:
            zygote.dismiss()
        await self._services.stop()

    def children(self) -> list[ChildProcess]:
        """All living children, of the present generation and of older ones that still finish their runs."""
        return [child for zygote in self._generations for child in zygote.children.values()]

    def find(self, key: str) -> ChildProcess | None:
        """The child that works on this job, if one does."""
        return next((child for child in self.children() if child.job and child.job.key == key), None)

    async def warm(self, spec: ProcessSpec, *, idle_seconds: float = 0) -> None:
        """Have as many children ready as may run, of the code as it is now, so that no run waits for its process.

        With `idle_seconds`, as many as worked at once within that time, none where none did; and one that holds much
        memory for a flow that it did not run for so long is replaced: what that had loaded goes with it. Flows that
        run by a schedule keep neither the one nor the other. 0: all of them are kept as they are.

        They are made with the spec that was used last, with the one given before the first job. Code that is being
        changed is left to settle: two calls must find it the same, unless a run asks for it before.
        """
        fingerprint = self._code.fingerprint()
        settled, self._seen = fingerprint == self._seen, fingerprint
        if self._zygote and fingerprint != self._fingerprint and not settled:
            return
        async with self._choosing:
            zygote = await self._current_zygote(fingerprint)
            for child in self.children():
                if idle_seconds and child.holds_unused(idle_seconds):
                    self._retire(child)
            wanted, alive = self._wanted(idle_seconds), [child for child in self.children() if not child.retiring]
            free = sorted((child for child in alive if child.is_free), key=lambda child: child.ended_last)
            for child in free[: max(0, len(alive) - wanted)]:
                self._retire(child)
            for _ in range(wanted - len(alive)):
                child = await zygote.fork(self._recent or spec)
                child.reserved = False

    def _wanted(self, idle_seconds: float) -> int:
        """How many worked at once within this time, at most as many as may; those that work now work."""
        if not idle_seconds:
            return self.size
        self._note_busy()
        while self._busy[0][0] < time.monotonic() - idle_seconds:
            self._busy.popleft()
        return min(self.size, max(count for _, count in self._busy))

    def _note_busy(self, more: int = 0) -> None:
        count = sum(child.job is not None for child in self.children()) + more
        while self._busy and self._busy[-1][1] <= count:
            self._busy.pop()  # it was less, and is longer ago
        self._busy.append((time.monotonic(), count))

    async def execute(self, job: Job) -> Answer | ProcessExit:
        """Run a job to its end: the child's answer, or how the child died."""
        if job.module:
            self._code.add(job.module)
        if not job.spec.single_use:
            self._recent = job.spec
        try:
            child = await self._choose(job.spec)
        except OSError as error:
            return ProcessExit(ExitReason.LOST, detail=f"no process could be started: {error}")
        self._note_busy(more=1)
        answer = await child.work(job)
        if not isinstance(answer, ProcessExit):
            child.reserved = False
            if self._needs_replacing(child, job, answer):
                self._retire(child)
        return answer

    def _needs_replacing(self, child: ChildProcess, job: Job, answer: Answer) -> bool:
        memory = job.limits.memory_bytes
        return (
            bool(job.spec.single_use)
            or answer["outcome"] == "escaped"
            or child.runs >= job.runs_per_process
            or bool(memory and (resident_bytes(child.pid) or 0) > memory * _RECYCLE_SHARE)
            or self._zygote is None
            or child.pid not in self._zygote.children
        )

    async def _choose(self, spec: ProcessSpec) -> ChildProcess:
        async with self._choosing:
            for attempt in range(1, _FORK_ATTEMPTS + 1):
                try:
                    return await self._try_to_choose(spec)
                except OSError:
                    if attempt == _FORK_ATTEMPTS:
                        raise
                    self._logger.exception("A process could not be forked; trying again")
        raise AssertionError("unreachable")

    async def _try_to_choose(self, spec: ProcessSpec) -> ChildProcess:
        zygote = await self._current_zygote(self._code.fingerprint())
        for child in zygote.children.values():
            if child.is_free and child.spec == spec:
                child.reserved = True
                return child
        self._make_room()
        return await zygote.fork(spec)

    def _make_room(self) -> None:
        alive = [child for child in self.children() if not child.retiring]
        idle = sorted((child for child in alive if child.is_free), key=lambda child: child.started)
        for child in idle[: max(0, len(alive) + 1 - self.size)]:
            self._retire(child)

    async def _current_zygote(self, fingerprint: str) -> ZygoteProcess:
        """The zygote of the code as it is on disk now: a new one if that has changed or the old one died."""
        old = self._zygote
        if old and not old.gone.is_set():
            if fingerprint == self._fingerprint:
                return old
            self._logger.info("The code has changed: new runs get new processes")
            for child in old.children.values():
                if child.is_free:
                    self._retire(child)
            old.dismiss()
        self._generations = [zygote for zygote in self._generations if not zygote.gone.is_set()]
        current = self._master is not None and self._master.is_current()
        zygote = ZygoteProcess(self._code.modules, self._master if current else None)
        packages = await zygote.start()
        if self._code.watch(*packages):
            fingerprint = self._code.fingerprint()
        self._generations.append(zygote)
        self._fingerprint, self._zygote = fingerprint, zygote
        return zygote

    def _retire(self, child: ChildProcess) -> None:
        child.stop()
        self._background(_end(child))

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def _end(child: ChildProcess) -> None:
    done, _ = await asyncio.wait([child.ended], timeout=_STOP_SECONDS)
    if not done:
        child.kill(ExitReason.EXIT, f"process {child.pid} did not stop by itself")
        await child.ended
