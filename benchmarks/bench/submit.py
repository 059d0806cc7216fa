"""How long it takes until a burst of uploads has its flow runs, while no worker takes any.

The receipts are small slips and the work pool is paused, so that making the runs has the machine for itself.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.bench.backlog import SUBMITTED, paused
from benchmarks.bench.material import slip
from benchmarks.bench.outside import Outside
from benchmarks.bench.parts import Figures, patience

_SENDERS = 16
_STATED_FOR = 5000


def submit(outside: Outside) -> Figures:
    """Seconds from the first upload to the last flow run; of fewer uploads in a quick run, in proportion."""
    count = outside.size(full=_STATED_FOR, quick=250)
    slips = [slip(number) for number in range(count)]
    with outside.running() as system, paused(system):
        began = time.monotonic()
        with ThreadPoolExecutor(_SENDERS) as senders:
            ids = list(senders.map(system.post, slips))
        answered = time.monotonic() - began
        system.awaited(SUBMITTED, [ids], count, patience(count))
        seconds = time.monotonic() - began
    return {
        "submit_5000_seconds": seconds * _STATED_FOR / count,
        "submit": {"uploads": count, "seconds": seconds, "answered_seconds": answered},
    }
