"""Submits received receipts to Prefect behind the answers, so that no sender waits for Prefect.

While Prefect is away the receipts wait here and are submitted when it is back; what is lost with this process is
submitted by the sweep.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from uuid import UUID

import httpx

from flows.domain.errors import ReceiptflowError
from flows.flow_runs.submission import FRESH_QUEUE, Submitter, open_submitter
from flows.ledger.database import Ledger
from flows.ledger.receipts import waiting_among
from flows.ledger.values import WaitingReceipt

_log = logging.getLogger("receiptflow.gateway")
_AT_ONCE = 4
_MOST_WAITING = 20_000
_TRIES = 5
# The gateway of the embedded stack is up before Prefect's server; asking in vain costs milliseconds.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 3.0


@dataclass
class _Job:
    """One receipt to submit; `done` tells its flow run, or None as soon as it is known to take longer."""

    receipt_id: UUID
    done: asyncio.Future[UUID | None]
    tries: int = field(default=0)


class Submissions:
    """A line of receipts and the tasks that submit them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._line: asyncio.Queue[_Job] = asyncio.Queue(_MOST_WAITING)
        self.connected = False
        self.left_to_sweep = 0

    @property
    def waiting(self) -> int:
        """How many stand in line."""
        return self._line.qsize()

    def add(self, receipt_id: UUID) -> asyncio.Future[UUID | None]:
        """Have a receipt submitted soon. With a full line it is left to the sweep."""
        job = _Job(receipt_id, asyncio.get_running_loop().create_future())
        self._put(job)
        return job.done

    async def run(self) -> None:
        """Submit what stands in line, for ever; to be cancelled."""
        pause = _FIRST_PAUSE_SECONDS
        while True:
            try:
                async with open_submitter(self._ledger) as submitter:
                    self.connected, pause = True, _FIRST_PAUSE_SECONDS
                    await self._serve(submitter)
            except (ReceiptflowError, httpx.HTTPError, RuntimeError) as error:
                _log.warning("submitting pauses for %.1f s: %s", pause, error)
            finally:
                self.connected = False
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)

    async def _serve(self, submitter: Submitter) -> None:
        consumers = [asyncio.create_task(self._consume(submitter)) for _ in range(_AT_ONCE)]
        try:
            done, _ = await asyncio.wait(consumers, return_when=asyncio.FIRST_EXCEPTION)
            done.pop().result()
        finally:
            for consumer in consumers:
                consumer.cancel()
            await asyncio.gather(*consumers, return_exceptions=True)

    async def _consume(self, submitter: Submitter) -> None:
        while True:
            job = await self._line.get()
            try:
                await self._submit(submitter, job)
            except BaseException:
                self._put_back(job)
                raise

    async def _submit(self, submitter: Submitter, job: _Job) -> None:
        flow_run_id = None
        for receipt in await asyncio.to_thread(self._still_waiting, job.receipt_id):
            flow_run_id = await submitter.submit(receipt, FRESH_QUEUE)
            _log.info("submitted", extra={"receipt_id": str(job.receipt_id), "flow_run_id": str(flow_run_id)})
        if not job.done.done():
            job.done.set_result(flow_run_id)

    def _still_waiting(self, receipt_id: UUID) -> list[WaitingReceipt]:
        """The receipt; none if the sweep submitted it, or its owner deleted it, meanwhile."""
        with self._ledger.session() as session:
            return waiting_among([receipt_id], session=session)

    def _put_back(self, job: _Job) -> None:
        if not job.done.done():
            job.done.set_result(None)
        job.tries += 1
        if job.tries < _TRIES:
            self._put(job)
        else:
            self._leave_to_sweep(job, "too many tries")

    def _put(self, job: _Job) -> None:
        try:
            self._line.put_nowait(job)
        except asyncio.QueueFull:
            self._leave_to_sweep(job, "the queue is full")

    def _leave_to_sweep(self, job: _Job, reason: str) -> None:
        self.left_to_sweep += 1
        if not job.done.done():
            job.done.set_result(None)
        _log.warning("%s; the sweep submits it", reason, extra={"receipt_id": str(job.receipt_id)})
