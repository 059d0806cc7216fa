"""CPU time that the hypervisor took away from this machine: what makes anything slow or late without our doing."""

from __future__ import annotations

import threading
import time
from bisect import bisect_right

import psutil

_EVERY_SECONDS = 0.5


class StolenTime:
    """Samples the machine's stolen CPU time (`steal` of proc(5), Linux only) while used as a context."""

    def __init__(self) -> None:
        self._moments: list[float] = []
        self._stolen: list[float] = []
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> StolenTime:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def share(self, since: float = 0.0, until: float = float("inf")) -> float:
        """Of all processors' time between two moments (Unix seconds), the part that was taken away, 0 to 1."""
        if not self._moments:
            return 0.0
        first = max(0, bisect_right(self._moments, since) - 1)
        last = min(len(self._moments) - 1, bisect_right(self._moments, until))
        passed = (self._moments[last] - self._moments[first]) * (psutil.cpu_count() or 1)
        return (self._stolen[last] - self._stolen[first]) / passed if passed else 0.0

    def _sample(self) -> None:
        while True:
            self._moments.append(time.time())
            self._stolen.append(getattr(psutil.cpu_times(), "steal", 0.0))
            if self._ended.wait(_EVERY_SECONDS):
                return
