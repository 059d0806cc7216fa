"""What a stack holds and costs: memory while it works and when it idles, idle CPU, rows a receipt, answers to uploads.

Photos of 1 MB are posted by several senders, as people do, while the worker reads those that came before: from their
answers come the quantiles, from the memory meanwhile the most, from both databases' counters what a receipt writes.
Then the stack idles, in a full run until no process holds what reading loaded.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench.cpu import family_seconds, resident_mb
from benchmarks.bench.material import Receipts
from benchmarks.bench.memory import ALL, watched_memory
from benchmarks.bench.observed import quantiles
from benchmarks.bench.outside import Outside
from benchmarks.bench.parts import SETTLE_SECONDS, Figures, patience
from benchmarks.bench.system import System
from benchmarks.bench.writes import WRITTEN_SECONDS, database_counters, each

_PHOTO_BYTES = 1_000_000
_SENDERS, _PAUSE_SECONDS = 8, 2.0
_WARM = 4
# The worker ends processes that have had nothing to do for 600 s, and looks for such every few seconds.
_UNTIL_ENDED_SECONDS = 690


def footprint(outside: Outside) -> Figures:
    """Work, then idle."""
    with outside.folder() as folder:
        photos = _photos(folder / "samples", outside.size(full=160, quick=24))
    with outside.running() as system:
        system.finished(system.post_all(photos[:_WARM]), patience(_WARM))
        working = _work(system, photos[_WARM:])
        outside.say("footprint: idling")
        time.sleep(outside.size(full=_UNTIL_ENDED_SECONDS, quick=5))
        return {**working, **_idle(system, outside.size(full=120, quick=20))}


def _photos(folder: Path, count: int) -> list[bytes]:
    """Receipts filled up to 1 MB behind the picture's end."""
    return [body + os.urandom(_PHOTO_BYTES - len(body)) for body in Receipts(folder).batch(count)]


@dataclass
class _Sent:
    ids: list[str] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)


def _work(system: System, photos: list[bytes]) -> Figures:
    time.sleep(WRITTEN_SECONDS)
    counted = database_counters(system)
    with watched_memory(system) as memory:
        sent = _send(system, photos)
        system.finished(sent.ids, patience(len(photos)))
    time.sleep(WRITTEN_SECONDS)
    written = each(database_counters(system), counted, len(photos))
    return {
        "working_pss_mb": memory[ALL]["most"],
        "working_pss_mb_by_part": {part: figures["most"] for part, figures in memory.items() if part != ALL},
        "rows_per_receipt": written["prefect"]["inserted"],
        "kb_per_receipt": written["prefect"]["bytes"] / 1000,
        "rows_by_table": written["rows in prefect"],
        "accept_seconds": quantiles(sent.answers),
    }


def _send(system: System, photos: list[bytes]) -> _Sent:
    """Each sender posts a photo every `_PAUSE_SECONDS`, all of them evenly spread."""
    sent, began = _Sent(), time.monotonic()

    def send(number: int) -> None:
        due = began + number * _PAUSE_SECONDS / _SENDERS
        time.sleep(max(0.0, due - time.monotonic()))
        asked = time.perf_counter()
        sent.ids.append(system.post(photos[number]))
        sent.answers.append(time.perf_counter() - asked)

    with ThreadPoolExecutor(_SENDERS) as senders:
        list(senders.map(send, range(len(photos))))
    return sent


def _idle(system: System, seconds: int) -> Figures:
    """Memory of all processes and of each part, and cores that all of them take."""
    time.sleep(SETTLE_SECONDS)
    spent, began = family_seconds(system.supervisor_pid), time.monotonic()
    time.sleep(seconds)
    cores = (family_seconds(system.supervisor_pid) - spent) / (time.monotonic() - began)
    parts = system.resident_mb()
    everything = resident_mb(system.supervisor_pid)
    by_part = {**parts, "supervisor": everything - sum(parts.values())}
    return {"idle": {"pss_mb": everything, "cores": cores}, "idle_pss_mb_by_part": by_part}
