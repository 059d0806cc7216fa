"""Notices when receipts change, for requests that wait: one small query every quarter of a second for all of them."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from deployments.gateway.http.problems import RefusedError
from flows.domain.errors import ReceiptflowError
from flows.ledger.database import Ledger
from flows.ledger.receipts import marks_of_change

_log = logging.getLogger("receiptflow.gateway")
_LOOK_SECONDS = 0.25
# A waiting request costs a connection; one key must not take them all.
_MOST_PER_KEY = 30


class Watch:
    """One request's wait for one receipt."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def ring(self) -> None:
        """Say that the receipt changed."""
        self._changed.set()

    async def changed(self, seconds: float) -> bool:
        """Wait for the next change. Returns whether there was one within this time."""
        try:
            async with asyncio.timeout(max(seconds, 0)):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True


class Watcher:
    """All waits of this process."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._watches: defaultdict[UUID, set[Watch]] = defaultdict(set)
        self._marks: dict[UUID, dt.datetime | None] = {}
        self._per_key: Counter[UUID] = Counter()

    def require_room(self, key_id: UUID) -> None:
        """Refuse a key's next waiting request with 429 if it has too many."""
        if self._per_key[key_id] >= _MOST_PER_KEY:
            raise RefusedError(429, f"This key has {_MOST_PER_KEY} waiting requests already.", {"Retry-After": "5"})

    @contextmanager
    def watch(self, receipt_id: UUID, key_id: UUID) -> Iterator[Watch]:
        """Watch a receipt while the block runs; look at the receipt inside it, so that no change is missed."""
        watch = Watch()
        self._per_key[key_id] += 1
        self._watches[receipt_id].add(watch)
        try:
            yield watch
        finally:
            self._per_key -= Counter([key_id])
            self._watches[receipt_id].discard(watch)
            if not self._watches[receipt_id]:
                del self._watches[receipt_id]
                self._marks.pop(receipt_id, None)

    async def run(self) -> None:
        """Look for changes for ever; to be cancelled."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            watched = list(self._watches)
            if not watched:
                continue
            try:
                self._compare(watched, await asyncio.to_thread(self._read, watched))
            except ReceiptflowError as error:
                _log.warning("changes cannot be seen now: %s", error)

    def _read(self, receipt_ids: list[UUID]) -> dict[UUID, dt.datetime]:
        with self._ledger.session() as session:
            return marks_of_change(receipt_ids, session=session)

    def _compare(self, watched: list[UUID], marks: dict[UUID, dt.datetime]) -> None:
        for receipt_id in watched:
            mark = marks.get(receipt_id)
            # The first look rings too: what changed between the request's own look and this one would be missed.
            if receipt_id in self._watches and (receipt_id not in self._marks or self._marks[receipt_id] != mark):
                for watch in self._watches[receipt_id]:
                    watch.ring()
            if receipt_id in self._watches:
                self._marks[receipt_id] = mark
