"""What Prefect writes about receipts after they were deleted goes too.

Events are on their way for a while: those who emit them keep them while Prefect's server is away, and the server writes
them some seconds later. So the removal is repeated for an hour after a deletion, also by a gateway that starts in that
hour, and as long as Prefect's database does not answer.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from uuid import UUID

from deployments.gateway.services.prefect_events import PrefectEvents
from flows.domain.errors import ReceiptflowError
from flows.flow_runs.submission import OrchestratorUnavailableError
from flows.ledger.database import Ledger
from flows.ledger.receipts import deleted_since

_log = logging.getLogger("receiptflow.gateway")
_LOOK_SECONDS = 5.0
# After a deletion. The server writes what it has collected every 5 s, by default, and later while it is busy.
_AGAIN_SECONDS = (20.0, 60.0, 180.0, 600.0, 1800.0, 3600.0)


@dataclass
class _Removal:
    """What is removed again, when it was deleted by the monotonic clock, and how many times are done."""

    flow_run_ids: frozenset[UUID]
    receipt_ids: frozenset[UUID]
    since: float = field(default_factory=time.monotonic)
    done: int = 0

    @property
    def times(self) -> int:
        """How many times should be done by now."""
        return sum(time.monotonic() - self.since >= seconds for seconds in _AGAIN_SECONDS)


class LateEvents:
    """The removals that are still to be repeated."""

    def __init__(self, events: PrefectEvents, ledger: Ledger) -> None:
        self._events, self._ledger = events, ledger
        self._removals: list[_Removal] = []

    def note(self, flow_run_ids: Collection[UUID], receipt_ids: Collection[UUID]) -> None:
        """Repeat the removal of what names these, which is done once by now."""
        self._removals.append(_Removal(frozenset(flow_run_ids), frozenset(receipt_ids)))

    async def run(self) -> None:
        """Take up the deletions of the last hour, then repeat removals for ever; to be cancelled."""
        await self._take_up()
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            due = [each for each in self._removals if each.times > each.done]
            if due and await self._remove(due):
                for removal in due:
                    removal.done = removal.times
                self._removals = [each for each in self._removals if each.done < len(_AGAIN_SECONDS)]

    async def _take_up(self) -> None:
        window = dt.timedelta(seconds=_AGAIN_SECONDS[-1])
        while True:
            try:
                deleted = await asyncio.to_thread(self._deleted, dt.datetime.now(dt.UTC) - window)
            except ReceiptflowError as error:
                _log.info("deletions of the last hour are looked up later: %s", error)
                await asyncio.sleep(_LOOK_SECONDS)
            else:
                break
        if deleted:
            self.note({run for runs in deleted.values() for run in runs}, deleted)

    def _deleted(self, since: dt.datetime) -> dict[UUID, frozenset[UUID]]:
        with self._ledger.session() as session:
            return deleted_since(since, session=session)

    async def _remove(self, due: Collection[_Removal]) -> bool:
        runs = {run for removal in due for run in removal.flow_run_ids}
        receipts = {receipt for removal in due for receipt in removal.receipt_ids}
        try:
            await asyncio.to_thread(self._events.remove, runs, receipts)
        except OrchestratorUnavailableError as error:
            _log.warning("events of deleted receipts are left, to be removed later: %s", error)
            return False
        return True
