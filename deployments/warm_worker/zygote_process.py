"""The worker's end of one zygote: start it, have it fork, hear of every child's end.

One object is one generation of code: it is started after its sources' fingerprint was taken, and replaced, never
refreshed, when the sources have changed.
"""

from __future__ import annotations

import array
import asyncio
import itertools
import json
import os
import socket
import sys
from typing import Any

from prefect.logging.loggers import get_logger

from deployments.warm_worker.child_process import ChildProcess, ProcessSpec
from deployments.warm_worker.errors import ConfigurationError
from deployments.warm_worker.master_link import MasterLink
from deployments.warm_worker.process_control import MESSAGE_BYTES
from deployments.warm_worker.settings import PROCESS_SETTINGS


class ZygoteProcess:
    """A running zygote and its living children by process id; a child's end is known within milliseconds."""

    def __init__(self, modules: list[str], master: MasterLink | None = None) -> None:
        self._modules, self._master = modules, master
        self._logger = get_logger("worker.zygote")
        self._numbers = itertools.count(1)
        self._forks: dict[int, tuple[ProcessSpec, socket.socket, asyncio.Future[ChildProcess]]] = {}
        self._is_dismissed = False
        self.children: dict[int, ChildProcess] = {}
        self._ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self.gone = asyncio.Event()
        self.pid = 0

    async def start(self) -> list[str]:
        """Fork it from the master, start an interpreter where there is none, and wait until the modules are imported.

        Returns:
            The top-level packages that it imported from outside the installed ones: they can change on disk.
        """
        self._link, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._link.setblocking(False)
        with theirs:
            if self._master:
                self._master.fork_zygote(theirs)
            else:
                await self._launch(theirs)
        asyncio.get_running_loop().add_reader(self._link.fileno(), self._receive)
        await self._order({"op": "preload", "modules": self._modules})
        ready = await self._ready
        self.pid = ready["pid"]
        return self._check(ready)

    async def _launch(self, theirs: socket.socket) -> None:
        arguments = [sys.executable, "-m", "deployments.warm_worker.zygote", str(theirs.fileno()), str(os.getpid())]
        self._process = await asyncio.create_subprocess_exec(
            *arguments,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
            env={**PROCESS_SETTINGS, **os.environ},
        )

    async def fork(self, spec: ProcessSpec) -> ChildProcess:
        """Have a child forked."""
        number = next(self._numbers)
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        forked: asyncio.Future[ChildProcess] = asyncio.get_running_loop().create_future()
        self._forks[number] = (spec, ours, forked)
        order = {"op": "fork", "number": number, "environment": dict(spec.environment), "nice": spec.nice}
        with theirs:
            await self._order(order, theirs.fileno())
        return await forked

    def dismiss(self) -> None:
        """Let the zygote end as soon as its last child has; without children at once."""
        self._is_dismissed = True
        if not self.children and not self._forks and not self.gone.is_set():
            self._lost()

    async def _order(self, order: dict[str, Any], *descriptors: int) -> None:
        data = json.dumps(order).encode()
        if len(data) > MESSAGE_BYTES // 2:
            raise ConfigurationError(f"{order['op']}: {len(data)} bytes of environment or modules are too many")
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        while True:
            try:
                self._link.sendmsg([data], rights)
            except BlockingIOError:  # the zygote is busy and its queue is full
                await asyncio.sleep(0.01)
            else:
                return

    def _receive(self) -> None:
        try:
            data = self._link.recv(MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lost()
            return
        message = json.loads(data)
        if message["event"] == "exited":
            self._on_exit(message["pid"], message["status"])
        elif message["event"] == "forked":
            spec, link, forked = self._forks.pop(message["number"])
            child = self.children[message["pid"]] = ChildProcess(message["pid"], spec, link)
            forked.set_result(child)
        else:
            self._ready.set_result(message)

    def _on_exit(self, pid: int, status: int) -> None:
        self.children.pop(pid).on_exit(status)
        if self._is_dismissed:
            self.dismiss()

    def _lost(self) -> None:
        asyncio.get_running_loop().remove_reader(self._link.fileno())
        self._link.close()
        self.gone.set()
        error = ConnectionResetError(f"zygote {self.pid} is gone")
        waiting: list[asyncio.Future[Any]] = [self._ready, *(forked for _, _, forked in self._forks.values())]
        for future in waiting:
            if not future.done():
                future.set_exception(error)
        for _, link, _ in self._forks.values():
            link.close()
        for child in self.children.values():
            child.on_zygote_gone()
        self._forks.clear()
        self.children.clear()

    def _check(self, ready: dict[str, Any]) -> list[str]:
        for module, failure in ready["failures"].items():
            self._logger.warning("Preloading %s failed; runs that need it will fail too:\n%s", module, failure)
        if len(ready["threads"]) > 1:
            self.dismiss()
            raise ConfigurationError(
                f"importing {self._modules} starts threads ({ready['threads']}), and a process with threads cannot"
                " be forked safely: start them when a flow runs, not when its module is imported"
            )
        return list(ready["packages"])
