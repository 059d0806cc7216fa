"""When a process that should give signs of life counts as hung: stopped, silent and idle, or silent for very long.

The numbers are those of every process that is watched: the worker by its master, its children by the watchdog, the
parts of a stack by their supervisor.
"""

from __future__ import annotations

import time

from deployments.warm_worker.process_control import cpu_seconds, is_stopped

STOPPED_SECONDS = 5.0
SILENT_SECONDS = 60.0  # although it works: on a machine at full load an answer may take long
IDLE_SECONDS = 7.0  # while it does not work either: it is deadlocked
_IDLE_CPU_SECONDS = 0.2  # less CPU time than this meanwhile is no work: a runtime's timers need less
_START_SECONDS = 300.0  # until its first heartbeat: it waits for a server that is away


def is_hung(pid: int, silent_seconds: float, cpu_seconds_then: float) -> bool:
    """Whether a process hangs that fell silent when it had used `cpu_seconds_then` of CPU time."""
    idle = cpu_seconds(pid) - cpu_seconds_then < _IDLE_CPU_SECONDS
    return silent_seconds > (IDLE_SECONDS if idle else SILENT_SECONDS)


class HangDetector:
    """Watches one process, from now on."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.has_reported = False
        self._last_heartbeat = time.monotonic()
        self._cpu = 0.0
        self._stopped_since: float | None = None

    def on_heartbeat(self) -> None:
        """It gave a sign of life."""
        self.has_reported, self._last_heartbeat, self._cpu = True, time.monotonic(), cpu_seconds(self.pid)

    def reason_to_kill(self) -> str | None:
        """Why it has to be killed, None while it has not."""
        now = time.monotonic()
        if not is_stopped(self.pid):
            self._stopped_since = None
        elif self._stopped_since is None:
            self._stopped_since = now
        elif now - self._stopped_since > STOPPED_SECONDS:
            return f"was stopped for more than {STOPPED_SECONDS:g} s"
        silent = now - self._last_heartbeat
        hung = is_hung(self.pid, silent, self._cpu) if self.has_reported else silent > _START_SECONDS
        return f"gave no sign of life for {silent:.0f} s" if hung else None
