"""Due runs that were read beyond the free processes: known and in order, but not claimed.

A poll costs Prefect's server about as much as two changes of a run's state, however many runs it returns. So in a
backlog it is asked for some more, and the next processes that come free take those. Whatever could change which run is
the next one, a new run above all, makes them forgotten. One that somebody else took or cancelled is refused at its
claim; then another worker takes from the same queues, and prefetching would only mean more such refusals.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from prefect.client.schemas.objects import FlowRun

PREFETCHED_RUNS = 10
_KEPT_SECONDS = 5.0  # should no event come
_SHARED_SECONDS = 60.0  # so long after a refusal nothing is prefetched


class Prefetch:
    """What the last poll returned and nobody has taken yet."""

    def __init__(self) -> None:
        self._runs: list[FlowRun] = []
        self._until = 0.0
        self._shared_until = 0.0
        self._forgotten = 0

    @property
    def is_worthwhile(self) -> bool:
        """Whether the queues seem to be this worker's alone."""
        return time.monotonic() > self._shared_until

    def asking(self) -> int:
        """Call before a poll; what it returns is for `keep`."""
        return self._forgotten

    def keep(self, runs: Sequence[FlowRun], asked: int) -> None:
        """Remember these instead of those before, unless something was to be forgotten while they were asked for."""
        if asked == self._forgotten and self.is_worthwhile:
            self._runs, self._until = list(runs), time.monotonic() + _KEPT_SECONDS

    def take(self, count: int) -> list[FlowRun]:
        """The next `count` runs; none if there are fewer, or if they were read too long ago."""
        if len(self._runs) < count or time.monotonic() > self._until:
            self.forget()
            return []
        taken, self._runs = self._runs[:count], self._runs[count:]
        return taken

    def refused(self) -> None:
        """One of them was somebody else's already."""
        self._shared_until = time.monotonic() + _SHARED_SECONDS
        self.forget()

    def forget(self) -> None:
        """Have the next runs read from the server."""
        self._runs = []
        self._forgotten += 1
