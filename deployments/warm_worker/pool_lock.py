"""One worker of a pool at a time, on whatever host, looks after the runs of dead workers: a global concurrency limit of
Prefect with one slot, which the server frees by itself `TURN_SECONDS` after it was taken.

A slot with decay and not one with a lease: a lease lasts 60 s at least, and the server keeps leases in memory by
default: one that it loses in a restart leaves its slot taken for ever (both tried on Prefect 3.8.8). The decay is kept
in the database. The limit is read before its slot is asked for, which costs less than a refusal and cannot prolong the
slot: the decay is counted from the limit's last change.

On one host a lock on a file decides, which the kernel releases when its holder dies; the file holds until when the
slot is this host's, so that a worker that replaces a killed one does not wait for the slot that this had taken.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import fcntl
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import httpx
from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.exceptions import ObjectAlreadyExists
from prefect.settings import get_current_settings

from deployments.warm_worker.process_identity import this_process

TURN_SECONDS = 20.0  # the longest wait for the turn of a host that died; a quarter of what its silence takes anyway
_SHORTEST_SECONDS = 2.0  # what is left of a turn is used if it is at least this long


class PoolLock:
    """A work pool's lock for one worker process; `folder` is shared by the workers of this host."""

    def __init__(self, client: PrefectClient, pool_name: str, *, folder: Path | None = None) -> None:
        self.name = f"warm-worker:{pool_name}"
        self._client = client
        settings = get_current_settings()
        digest = hashlib.sha256(f"{settings.api.url}\n{pool_name}".encode()).hexdigest()[:16]
        self._path = (folder or settings.home / "warm-worker") / f"{digest}.lock"
        self._file: int | None = None
        self._until = 0.0  # by this host's clock since boot

    @asynccontextmanager
    async def held(self) -> AsyncIterator[bool]:
        """Whether the lock is this process's during the block, which is cancelled when the turn ends.

        Raises:
            TimeoutError: The turn ended before the block did.
            httpx.HTTPError: The server could not be asked.
        """
        remaining = await self._remaining() if self._holds_file() else 0.0
        if remaining <= 0:
            yield False
            return
        async with asyncio.timeout(remaining):
            yield True

    async def _remaining(self) -> float:
        """The seconds left of this host's turn, of a new one if it has none; 0 while it is another host's."""
        if self._until - _now() < _SHORTEST_SECONDS:
            asked = _now()
            if not await self._take_slot():
                return 0.0
            self._until = asked + TURN_SECONDS
            self._write()
        return self._until - _now()

    async def _take_slot(self) -> bool:
        limit, now = await self._read_limit()
        taken = bool(limit["active_slots"]) and now - dt.datetime.fromisoformat(limit["updated"]) < dt.timedelta(
            seconds=TURN_SECONDS
        )
        if taken or not limit["active"]:  # somebody who deactivates the limit wants nobody to take it
            return False
        try:
            taken_limits = await self._client.increment_concurrency_slots([self.name], slots=1, mode="concurrency")
        except httpx.HTTPStatusError as error:
            if error.response.status_code == httpx.codes.LOCKED:
                return False
            raise
        return bool(taken_limits.json())  # none if the limit was deleted meanwhile

    async def _read_limit(self) -> tuple[dict[str, Any], dt.datetime]:
        """The limit as the server has it, and the server's time."""
        while True:
            try:
                response = await self._client.request(
                    "GET", "/v2/concurrency_limits/{id_or_name}", path_params={"id_or_name": self.name}
                )
            except httpx.HTTPStatusError as error:
                if error.response.status_code != httpx.codes.NOT_FOUND:
                    raise
                await self._create_limit()
            else:
                return response.json(), parsedate_to_datetime(response.headers["Date"])

    async def _create_limit(self) -> None:
        limit = GlobalConcurrencyLimitCreate(name=self.name, limit=1, slot_decay_per_second=1 / TURN_SECONDS)
        with suppress(ObjectAlreadyExists):
            await self._client.create_global_concurrency_limit(limit)

    def _holds_file(self) -> bool:
        if self._file is not None:
            return True
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        self._file, self._until = file, self._read()
        return True

    def _read(self) -> float:
        """Until when an earlier process of this host had taken the slot; 0 if none had since the host was booted."""
        boot, _, until = self._path.read_text().partition(" ")
        return float(until) if boot == this_process().boot_id and until else 0.0

    def _write(self) -> None:
        if self._file is not None:
            text = f"{this_process().boot_id} {self._until}".encode()
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, text, 0)


def _now() -> float:
    """Seconds since boot: the same clock for all processes of the host, whoever sets its time."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
