"""How long a start takes: from the command to "up", to the gateway's first page, and to the first of use.

First on a new data folder, then again on the same one. The stack is stopped in order in between.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from benchmarks.bench.outside import Outside
from benchmarks.bench.parts import Figures
from benchmarks.bench.system import System

_POLL_SECONDS = 0.05
_BROWSER = {"Accept": "text/html"}


def start(outside: Outside) -> Figures:
    """Seconds until up and until pages answer, `new` and `used`; of the used folder the median of several starts."""
    with outside.folder() as folder:
        system = outside.system(folder)
        new = _started(system)
        used = [_started(system) for _ in range(outside.size(full=3, quick=1))]
    return {
        name: {"new": new[name], "used": statistics.median(one[name] for one in used)}
        for name in ("start_seconds", "page_seconds", "usable_page_seconds")
    }


def _started(system: System) -> dict[str, float]:
    began = time.monotonic()
    with _first_answer(system) as answered:
        try:
            system.start()
            up = time.monotonic() - began
        finally:
            system.stop()
    return {"start_seconds": up, **{name: moment - began for name, moment in answered.items()}}


@contextmanager
def _first_answer(system: System) -> Iterator[dict[str, float]]:
    """When, by the monotonic clock, the gateway first answered a browser, and when with a page that can be used."""
    answered: dict[str, float] = {}
    over = threading.Event()

    def watch() -> None:
        while "usable_page_seconds" not in answered and not over.wait(_POLL_SECONDS):
            try:
                answer = httpx.get(f"{system.settings.gateway_url}/app/", headers=_BROWSER, timeout=5)
            except httpx.HTTPError:
                continue
            answered.setdefault("page_seconds", time.monotonic())
            if not answer.is_server_error:
                answered["usable_page_seconds"] = time.monotonic()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield answered
    finally:
        over.set()
        thread.join()
