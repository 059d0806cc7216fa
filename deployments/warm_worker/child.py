"""A warm child: executes flow runs one after another in one process, with one event loop and one API client.

Forked from the zygote. Jobs come in as JSON lines on its socket, one answer line goes back for each. A thread of
its own reads the socket and sends the heartbeat, so that a busy flow is still seen alive and can learn that it
was suspended; when the socket closes, the worker is gone and the process ends at once.
"""

from __future__ import annotations

import asyncio
import json
import os
import queue
import socket
import threading
from typing import Any
from uuid import UUID

import prefect.context
import prefect.main
from prefect.client.schemas.objects import State
from prefect.context import SyncClientContext

from deployments.warm_worker import compat
from deployments.warm_worker.execution import Execution

HEARTBEAT_SECONDS = 5.0
_CHUNK_BYTES = 1 << 16


def serve(link: socket.socket, *, environment: dict[str, str], nice: int) -> None:
    """Take on the environment of the runs to come, then execute what arrives until told to stop."""
    os.environ.update(environment)
    os.nice(nice)
    prefect.context.refresh_global_settings_context()
    compat.replace_suspension_observer()
    compat.skip_pending_event()
    compat.keep_parameters_models()
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
                self._send(execution.execute(job))
            execution.close()

    def listen(self) -> None:
        """Read orders and send the heartbeat; runs in a thread of its own."""
        self._link.settimeout(HEARTBEAT_SECONDS)
        buffer = b""
        while True:
            try:
                chunk = self._link.recv(_CHUNK_BYTES)
            except TimeoutError:
                self._send({"beat": True})
                continue
            except ConnectionResetError:  # the worker was killed before it had read all that we sent
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
            compat.request_suspension(UUID(order["flow_run_id"]), state)
        else:
            self._jobs.put(order)

    def _send(self, message: dict[str, Any]) -> None:
        with self._writing:
            self._link.sendall(json.dumps(message).encode() + b"\n")
