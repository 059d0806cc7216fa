"""Memory of a running stack while something goes on: each part's, and that of all its processes together."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.bench.cpu import resident_mb
from benchmarks.bench.system import System

_SAMPLE_SECONDS = 2.0
ALL = "all"


@contextmanager
def watched_memory(system: System) -> Iterator[dict[str, dict[str, float]]]:
    """Megabytes (PSS) of each part during the block: after the first tenth of the time, the most, and at the end.

    `ALL` is the whole stack's, its supervisor included.
    """
    taken: dict[str, list[float]] = defaultdict(list)
    over, figures = threading.Event(), dict[str, dict[str, float]]()

    def watch() -> None:
        while True:
            for part, megabytes in {**system.resident_mb(), ALL: resident_mb(system.supervisor_pid)}.items():
                taken[part].append(megabytes)
            if over.wait(_SAMPLE_SECONDS):
                return

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield figures
    finally:
        over.set()
        thread.join()
    for part, samples in taken.items():
        figures[part] = {"early": samples[len(samples) // 10], "most": max(samples), "end": samples[-1]}
