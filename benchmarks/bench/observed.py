"""A running pipeline as it is seen from outside: receipts go in over HTTP, the ledger tells when each is processed."""

from __future__ import annotations

import hashlib
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg

from benchmarks.bench.cpu import resident_mb, seconds_by_part
from benchmarks.bench.steps import Cost, costs_by_content
from flows.ledger.access import Scope, create_key
from flows.ledger.database import open_ledger

_POLL_SECONDS = 0.2
_LOG_TAIL = 1500
SENDERS = 4


class TooSlowError(Exception):
    """Something did not come about in the time that it may take at the very most."""


class Observed:
    """What can be asked of a running pipeline; the subclass knows how it is started.

    Attributes: `database` (a connection to the ledger), `key` (an API key).
    """

    database: psycopg.Connection[Any]
    key: str

    def __init__(self, gateway_url: str, ledger_url: str, logs: Path, executions: Sequence[Path]) -> None:
        self._gateway_url, self._ledger_url, self._logs = gateway_url, ledger_url, logs
        self._executions = list(executions)
        self._clients = threading.local()

    @property
    def supervisor_pid(self) -> int:
        """The process below which all of it runs."""
        raise NotImplementedError

    def pids(self) -> dict[str, int]:
        """Process id of each part."""
        raise NotImplementedError

    def require_alive(self) -> None:
        """Raise TooSlowError if it has ended."""

    def new_key(self, owner: str) -> str:
        """An API key of an owner of one's own."""
        ledger = open_ledger(self._ledger_url)
        try:
            with ledger.session() as session:
                return create_key(owner, "benchmark", list(Scope), session=session)[1]
        finally:
            ledger.close()

    def try_post(self, body: bytes, key: str | None = None) -> httpx.Response:
        """Hand one receipt in over HTTP, on this thread's own connection; whatever the gateway answers."""
        if not hasattr(self._clients, "http"):
            self._clients.http = httpx.Client(base_url=self._gateway_url, timeout=60)
        headers = {"Authorization": f"Bearer {key or self.key}", "Content-Type": "image/jpeg"}
        answer: httpx.Response = self._clients.http.post("/receipts", content=body, headers=headers)
        return answer

    def post(self, body: bytes) -> str:
        """Hand one receipt in over HTTP; returns its id once it is acknowledged."""
        answer = self.try_post(body)
        answer.raise_for_status()
        return str(answer.json()["receipt_id"])

    def post_all(self, bodies: Sequence[bytes]) -> list[str]:
        """Hand several in, a few at once; their ids in order."""
        with ThreadPoolExecutor(SENDERS) as senders:
            return list(senders.map(self.post, bodies))

    def cpu_seconds(self) -> Counter[str]:
        """CPU time by part of everything that the stack runs, ended processes included."""
        flows = {cost.pid for log in self._executions for cost in costs_by_content(log).values()}
        return seconds_by_part(self.supervisor_pid, self.pids(), flows)

    def resident_mb(self) -> dict[str, float]:
        """Resident memory of each part."""
        return {name: resident_mb(pid) for name, pid in self.pids().items()}

    def costs(self, bodies: Sequence[bytes]) -> list[Cost]:
        """What OCR and parse of these contents cost inside the system, in order."""
        known = {content: cost for log in self._executions for content, cost in costs_by_content(log).items()}
        return [known[hashlib.sha256(body).hexdigest()] for body in bodies]

    def finished(self, ids: Sequence[str], seconds: float) -> list[float]:
        """When each receipt was processed, in order of time, as seconds of the database's clock; waits for all.

        Raises:
            TooSlowError: they did not within `seconds`.
        """
        query = (
            "SELECT extract(epoch FROM finished_at) FROM receipts WHERE id = ANY(%s::uuid[]) "
            "AND finished_at IS NOT NULL AND state NOT IN ('waiting', 'running') ORDER BY 1"
        )
        return self.awaited(query, [list(ids)], len(ids), seconds)

    def awaited(self, query: str, parameters: list[Any], count: int, seconds: float) -> list[float]:
        """The first column of a query of the ledger, once it has `count` rows.

        Raises:
            TooSlowError: it had not within `seconds`.
        """
        deadline = time.monotonic() + seconds
        while len(rows := self.database.execute(query, parameters).fetchall()) < count:
            self.require_alive()
            if time.monotonic() > deadline:
                raise TooSlowError(f"{len(rows)} of {count} were there after {seconds:.0f} s. {self._last_words()}")
            time.sleep(_POLL_SECONDS)
        return [float(row[0]) for row in rows]

    def _last_words(self) -> str:
        logs = [*self._logs.glob("*worker*.log"), *self._logs.glob("host-*.log")]
        return "\n".join(f"{log.name}: {log.read_text()[-_LOG_TAIL:]}" for log in logs)


def quantiles(values: Sequence[float]) -> dict[str, float]:
    """Median and 99th percentile."""
    cuts = statistics.quantiles(values, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}


def cores() -> int:
    """Cores of this machine."""
    return os.cpu_count() or 1
