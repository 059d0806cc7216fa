"""A warm child: executes flow runs one after another in one process, with one event loop and one API client.

Forked from the zygote. Jobs come in as JSON lines on its socket, one answer line goes back for each. A thread of
its own reads the socket and sends the heartbeat, so that a busy flow is still seen alive and can be told that it
was suspended; when the socket closes, the worker is gone and the process ends at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import prefect.context
import prefect.flow_engine
import prefect.main
import prefect.task_engine
from prefect._flow_run_suspension import mark_flow_run_suspension_requested
from prefect.client.schemas.objects import State
from prefect.context import SyncClientContext

from deployments.warm_worker.execution import Execution
from deployments.warm_worker.task_run_events import skip_pending_event

HEARTBEAT_SECONDS = 5.0
_CHUNK_BYTES = 1 << 16


def serve(link: socket.socket, *, environment: dict[str, str], nice: int) -> None:
    """Take on the environment of the runs to come, then execute what arrives until told to stop."""
    os.environ.update(environment)
    os.nice(nice)
    prefect.context.refresh_global_settings_context()
    setattr(prefect.flow_engine, "observe_flow_run_suspension", _observed_by_the_worker)  # noqa: B010  not public
    skip_pending_event()
    child = _Child(link)
    threading.Thread(target=child.listen, name="worker-link", daemon=True).start()
    child.work()


class _Child:
    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._writing = threading.Lock()
        self._jobs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def work(self) -> None:
        # A synchronous client too, kept for all runs: without one in the context the engine makes two for each run, to
        # resolve where a flow's results lie, and the TLS context of one takes a tenth of the CPU that OCR takes.
        with SyncClientContext(), asyncio.Runner() as runner:
            execution = Execution(runner)
            while job := self._jobs.get():
                self._tell(execution.carry_out(job))
            execution.close()

    def listen(self) -> None:
        """Read orders and send the heartbeat; runs in a thread of its own."""
        self._link.settimeout(HEARTBEAT_SECONDS)
        buffer = b""
        while True:
            try:
                chunk = self._link.recv(_CHUNK_BYTES)
            except TimeoutError:
                self._tell({"beat": True})
                continue
            except ConnectionResetError:  # the worker was killed before it had read all that we told it
                chunk = b""
            if not chunk:
                os._exit(1)
            *lines, buffer = (buffer + chunk).split(b"\n")
            for line in lines:
                self._take(json.loads(line))

    def _take(self, order: dict[str, Any]) -> None:
        if order["op"] == "stop":
            self._jobs.put(None)
        elif order["op"] == "suspended":
            state = State.model_validate(order["state"])
            mark_flow_run_suspension_requested(UUID(order["flow_run_id"]), state)
        else:
            self._jobs.put(order)

    def _tell(self, message: dict[str, Any]) -> None:
        with self._writing:
            self._link.sendall(json.dumps(message).encode() + b"\n")


@contextmanager
def _observed_by_the_worker(*_args: Any, **_kwargs: Any) -> Iterator[None]:
    """Stand in for Prefect's observer of one run's suspension.

    Prefect starts a thread, an event loop and a websocket for each run and joins them with a sleep at its end. The
    worker has one subscription for all its runs, and tells the child concerned over the socket.
    """
    yield
