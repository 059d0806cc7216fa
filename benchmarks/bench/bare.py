"""The baseline: the same OCR and parse in a bare multiprocessing loop, models loaded, nothing kept."""

from __future__ import annotations

import datetime as dt
import multiprocessing
import os
import time
from dataclasses import dataclass

from flows.parse import parse_receipt
from flows.reading import Reader

_reader: Reader


@dataclass(frozen=True)
class Bare:
    """Receipts a second, and CPU seconds a receipt, of the bare loop on `processes` cores."""

    per_second: float
    cpu_seconds: float


def _start(engine: str, warm: bytes) -> None:
    global _reader  # noqa: PLW0603  # a multiprocessing initializer has no other place to keep what it loads
    _reader = Reader(engine=engine)
    _reader.extract(warm)


def _read(body: bytes) -> float:
    began = time.process_time()
    parse_receipt(_reader.extract(body), today=dt.date(2030, 1, 1))
    return time.process_time() - began


def measure_bare(bodies: list[bytes], engine: str, processes: int | None = None) -> Bare:
    """Read all bodies with so many processes (default: one a core); loading is not counted."""
    size = processes or os.cpu_count() or 1
    with multiprocessing.get_context("spawn").Pool(size, _start, (engine, bodies[0])) as pool:
        pool.map(_read, bodies[:size], chunksize=1)
        began = time.perf_counter()
        cpu = pool.map(_read, bodies, chunksize=1)
        return Bare(len(bodies) / (time.perf_counter() - began), sum(cpu) / len(bodies))
