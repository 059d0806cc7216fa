"""Whether a worker that should give signs of life hangs: stopped, idle without a word, or silent for very long."""

from __future__ import annotations

import time

from deployments.warm_worker.process_control import cpu_seconds, is_stopped

STOPPED_SECONDS = 5.0
_IDLE_SECONDS = 7.0
_SILENT_SECONDS = 60.0  # although it works: on a machine at full load a word may take long
_START_SECONDS = 300.0  # until its first word: it waits for a server that is away
_IDLE_CPU_SECONDS = 0.2  # less than this while it said nothing is no work


class HangDetector:
    """Looks after one process, from now on."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.has_spoken = False
        self._heard = time.monotonic()
        self._cpu = 0.0
        self._stopped_since: float | None = None

    def heard(self) -> None:
        """It gave a sign of life."""
        self.has_spoken, self._heard, self._cpu = True, time.monotonic(), cpu_seconds(self.pid)

    def complaint(self) -> str | None:
        """Why it has to be killed, None while it has not."""
        now = time.monotonic()
        if not is_stopped(self.pid):
            self._stopped_since = None
        elif self._stopped_since is None:
            self._stopped_since = now
        elif now - self._stopped_since > STOPPED_SECONDS:
            return f"was stopped for more than {STOPPED_SECONDS:g} s"
        silent = now - self._heard
        if silent > self._patience():
            return f"gave no sign of life for {silent:.0f} s"
        return None

    def _patience(self) -> float:
        if not self.has_spoken:
            return _START_SECONDS
        idle = cpu_seconds(self.pid) - self._cpu < _IDLE_CPU_SECONDS
        return _IDLE_SECONDS if idle else _SILENT_SECONDS
