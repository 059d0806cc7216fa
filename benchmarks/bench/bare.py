"""The baseline: the same OCR and parse in a bare multiprocessing loop, models loaded, nothing kept."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from flows.reading.parser import parse_receipt
from flows.reading.reader import Reader

# A reading takes one to two seconds; a loop that is slower than this by far does not work.
_LONGEST_READING_SECONDS = 30.0
_LOADING_SECONDS = 120.0
_reader: Reader


@dataclass(frozen=True)
class Bare:
    """Receipts a second, and CPU seconds of each receipt in order, of the bare loop."""

    per_second: float
    cpu: tuple[float, ...]

    @property
    def cpu_seconds(self) -> float:
        """Mean CPU seconds a receipt."""
        return sum(self.cpu) / len(self.cpu)


def _start(engine: str, warm: bytes) -> None:
    global _reader  # noqa: PLW0603  # a multiprocessing initializer has no other place to keep what it loads
    _reader = Reader(engine=engine)
    _reader.extract(warm)


def _read(body: bytes) -> float:
    began = time.process_time()
    parse_receipt(_reader.extract(body), today=dt.date(2030, 1, 1))
    return time.process_time() - began


class BareLoop:
    """So many processes with loaded models, which cost nothing while they wait for the next round."""

    def __init__(self, warm: bytes, *, engine: str = "auto", processes: int | None = None) -> None:
        self.size = processes or os.cpu_count() or 1
        self._pool: Any = multiprocessing.get_context("spawn").Pool(self.size, _start, (engine, warm))
        self._pool.map_async(_read, [warm] * self.size, chunksize=1).get(timeout=_LOADING_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.terminate()
        self._pool.join()

    def measure(self, bodies: Sequence[bytes]) -> Bare:
        """Read all bodies; loading is not counted."""
        began = time.perf_counter()
        limit = _LONGEST_READING_SECONDS * len(bodies) / self.size
        cpu = self._pool.map_async(_read, bodies, chunksize=1).get(timeout=limit)
        return Bare(len(bodies) / (time.perf_counter() - began), tuple(cpu))
