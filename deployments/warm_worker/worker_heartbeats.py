"""How long each worker of a pool has been silent, as this process sees it in what the server answers.

A worker is silent for as long as its last heartbeat has been the same in every answer. Time is counted by this host's
monotonic clock and only while the server answers: after an outage, in which no worker could be heard, counting begins
anew.
"""

from __future__ import annotations

import datetime as dt
import time
from email.utils import parsedate_to_datetime
from typing import Any

from prefect.client.orchestration import PrefectClient

from deployments.warm_worker.process_identity import HEARTBEAT_SECONDS, SILENCE_SECONDS, Silence

_LOOK_SECONDS = 5.0
_GAP_SECONDS = 15.0  # a longer one between two answers is an outage
_PAGE = 200
_LATELY = dt.timedelta(hours=1)
_MISSED_HEARTBEATS = SILENCE_SECONDS / HEARTBEAT_SECONDS


class WorkerHeartbeats:
    """What the server has heard of the workers of one pool."""

    def __init__(self, client: PrefectClient, pool_name: str) -> None:
        self._client, self._pool_name = client, pool_name
        self._answered_at = self._since = time.monotonic()
        self._server_time = dt.datetime.now(dt.UTC)
        self._last: dict[str, dt.datetime | None] = {}
        self._seen_at: dict[str, float] = {}
        self._intervals: dict[str, float] = {}

    async def look_if_due(self) -> None:
        """Call often: looks every `_LOOK_SECONDS`. Raises what the client raises; then counting begins anew."""
        if not self._last or time.monotonic() - self._answered_at >= _LOOK_SECONDS:
            await self.look()

    async def look(self) -> None:
        """Read the workers' last heartbeats."""
        workers, server_time = await self._read()
        now = time.monotonic()
        if now - self._answered_at > _GAP_SECONDS:
            self._since = now
            self._seen_at.clear()
        self._answered_at, self._server_time = now, server_time
        heard = {worker["name"]: _moment(worker["last_heartbeat_time"]) for worker in workers}
        self._intervals = {worker["name"]: worker.get("heartbeat_interval_seconds") or 0.0 for worker in workers}
        for name in self._last.keys() | heard.keys():
            if self._last.get(name) != heard.get(name) or name not in self._seen_at:
                self._seen_at[name] = now
        self._last = {name: heard.get(name) for name in self._last.keys() | heard.keys()}
        self._forget(heard.keys(), now)

    def silence(self, worker: str) -> Silence:
        """How long a worker has been silent; one that the server does not know is silent since this began to look."""
        last = self._last.get(worker)
        seconds = (self._server_time - last).total_seconds() if last else float("inf")
        observed = self._answered_at - self._seen_at.get(worker, self._since)
        limit = max(SILENCE_SECONDS, _MISSED_HEARTBEATS * self._intervals.get(worker, 0.0))
        return Silence(seconds, observed, limit)

    async def _read(self) -> tuple[list[dict[str, Any]], dt.datetime]:
        """The workers of the pool that were heard lately, latest first, and the server's time."""
        workers: list[dict[str, Any]] = []
        while True:
            response = await self._client.request(
                "POST",
                "/work_pools/{work_pool_name}/workers/filter",
                path_params={"work_pool_name": self._pool_name},
                json={"limit": _PAGE, "offset": len(workers)},
            )
            page = response.json()
            workers += page
            server_time = parsedate_to_datetime(response.headers["Date"])
            if len(page) < _PAGE or server_time - _moment(page[-1]["last_heartbeat_time"]) > _LATELY:
                return workers, server_time

    def _forget(self, present: Any, now: float) -> None:
        """Drop what the server has long dropped."""
        for name in self._last.keys() - present:
            if now - self._seen_at[name] > 2 * SILENCE_SECONDS:
                del self._last[name], self._seen_at[name]


def _moment(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)
