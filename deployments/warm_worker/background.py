"""Services in the background of a process that runs for ever: one that ends, for whatever reason, is started again.

A failure is logged with its traceback and counted; the next start waits, ever longer while failures follow each other.
`states` is for `/ready` and metrics, `on_failure` for whoever has neither, as the worker.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import MappingProxyType

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
HEALTHY_AFTER_SECONDS = 60.0  # twice the longest pause: a service that fails at every start is never healthy

Service = Callable[[], Awaitable[None]]
Logger = logging.Logger | logging.LoggerAdapter[logging.Logger]
OnFailure = Callable[[str, str], None]  # the service and its error


@dataclass
class ServiceState:
    """How one service does. `last_error` is for the log and for operators, not for strangers."""

    running: bool = False
    failures: int = 0
    last_error: str = ""
    failed_at: float = float("-inf")

    @property
    def healthy(self) -> bool:
        """Whether it runs and has not failed lately."""
        return self.running and time.monotonic() - self.failed_at >= HEALTHY_AFTER_SECONDS

    def note_failure(self, error: str) -> None:
        """Count a failure."""
        self.failures += 1
        self.last_error, self.failed_at = error, time.monotonic()


class BackgroundServices:
    """The services of one process, by name."""

    def __init__(self, logger: Logger, on_failure: OnFailure | None = None) -> None:
        self._logger, self._on_failure = logger, on_failure
        self._states: dict[str, ServiceState] = {}
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def states(self) -> MappingProxyType[str, ServiceState]:
        """How each service does."""
        return MappingProxyType(self._states)

    def start(self, name: str, service: Service) -> None:
        """Run a service until `stop`; `service` is called anew for each start."""
        state = self._states[name] = ServiceState()
        self._tasks.append(asyncio.create_task(self._keep_running(name, service, state), name=name))

    async def stop(self) -> None:
        """End all services and wait for their end."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _keep_running(self, name: str, service: Service, state: ServiceState) -> None:
        in_a_row = 0
        while True:
            began = time.monotonic()
            state.running = True
            try:
                error = await _run_to_its_end(service)
            finally:
                state.running = False
            state.note_failure(repr(error) if error else "it returned")
            in_a_row = in_a_row + 1 if time.monotonic() - began < HEALTHY_AFTER_SECONDS else 1
            pause = pause_seconds(in_a_row)
            self._logger.error(
                "%s ended (%s); it starts again in %.1f s", name, state.last_error, pause, exc_info=error
            )
            self._tell(name, state.last_error)
            await asyncio.sleep(pause)

    def _tell(self, name: str, error: str) -> None:
        if self._on_failure is None:
            return
        try:
            self._on_failure(name, error)
        except Exception:
            self._logger.exception("The failure of %s could not be told", name)


async def _run_to_its_end(service: Service) -> BaseException | None:
    """What ended it. A task of its own, so that a cancellation from within is told from one of the whole."""
    task = asyncio.ensure_future(service())
    try:
        await asyncio.wait([task])
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        raise
    return asyncio.CancelledError("cancelled from within") if task.cancelled() else task.exception()


def pause_seconds(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    return min(FIRST_PAUSE_SECONDS * 2.0 ** (failures - 1), LONGEST_PAUSE_SECONDS)
