"""The worker of receiptflow: a warm worker that keeps the ledger and Prefect's picture of the runs together.

Beside what the warm worker does it tells the ledger which receipt ended its process (so that a poisonous one is
quarantined), resumes runs that failed in an outage, and lets only one worker at a time recover orphaned runs.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import httpx
from prefect.exceptions import ObjectNotFound
from prefect.logging.loggers import get_logger

from deployments.warm_worker import WarmWorker
from deployments.warm_worker.background import Service
from deployments.warm_worker.claims import claim_of
from deployments.warm_worker.process_exit import ExitReason, ProcessExit
from flows.domain.errors import ReceiptflowError
from flows.flow_runs.recovery import resume_stopped
from flows.flow_runs.submission import DEPLOYMENT
from flows.ledger.database import Ledger
from flows.ledger.receipts import has_unended, note_crash, receipt_of_flow_run
from flows.ledger.schema import State
from flows.pipeline.configuration import load_pipeline

_RECOVERY_SECONDS = 5.0
_DEEP_EVERY = 12  # searches: beyond the runs that ended last
_OWN_FAULTS = {
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGSYS,
    signal.SIGKILL,
}


class ReceiptWorker(WarmWorker):
    """Carries out receipts' flow runs in warm processes on this machine."""

    type = "receiptflow"
    _display_name = "receiptflow"
    _description = (
        "Read receipts in processes that stay warm from run to run. A run whose process, worker or server dies is "
        "resumed by itself; a receipt that ends its process each time is quarantined."
    )

    async def recover(self, flow_run_id: UUID, process_exit: ProcessExit) -> None:
        """Note in the ledger whose process died, then resume the run, unless another worker has taken it since."""
        if not await self._is_ours(flow_run_id):
            return
        try:
            await asyncio.to_thread(_note_crash, (await load_pipeline(self.client)).ledger, flow_run_id, process_exit)
        except (ReceiptflowError, httpx.HTTPError) as error:
            # Not known then: one crash less is counted, which only delays the quarantine of a poisonous receipt.
            get_logger("worker").warning("The crash of flow run %s could not be recorded: %s", flow_run_id, error)
        await super().recover(flow_run_id, process_exit)

    async def _is_ours(self, flow_run_id: UUID) -> bool:
        try:
            claim = await claim_of(self.client, await self.client.read_flow_run(flow_run_id))
        except (httpx.HTTPError, ObjectNotFound):
            return True
        return claim is None or claim.is_mine

    def services(self) -> dict[str, Service]:
        """The warm worker's services, and the recovery of failed runs."""
        return {**super().services(), "recovery": self._recover}

    async def _recover(self) -> None:
        for number in itertools.count():
            await asyncio.sleep(_RECOVERY_SECONDS)
            try:
                async with self.alone() as mine:
                    if mine:
                        await self._recover_once(deep=number % _DEEP_EVERY == 0)
            except (ReceiptflowError, httpx.HTTPError, ObjectNotFound) as error:
                get_logger("worker").warning("Stopped runs could not be recovered (%s); trying again", error)

    async def _recover_once(self, *, deep: bool) -> None:
        ledger = (await load_pipeline(self.client)).ledger
        if not await asyncio.to_thread(_has_unended, ledger):
            return  # nor is Prefect's server asked: every five seconds, all day
        deployment = await self.client.read_deployment_by_name(DEPLOYMENT)
        recovered = await resume_stopped(self.client, ledger, deployment.id, deep=deep)
        if recovered:
            get_logger("worker").info("Recovered: %s resumed, %s held", recovered.resumed, recovered.held)

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[bool]:
        """Whether no other worker recovers orphaned runs now: a lock in the ledger, gone with its connection."""
        try:
            lock = (await load_pipeline(self.client)).ledger.advisory_lock("orphans")
            mine = await asyncio.to_thread(lock.__enter__)
        except ReceiptflowError as error:
            get_logger("worker").warning("Orphaned runs are not recovered now: %s", error)
            yield False
            return
        try:
            yield mine
        finally:
            try:
                await asyncio.to_thread(lock.__exit__, None, None, None)
            except ReceiptflowError as error:
                get_logger("worker").warning("The lock was lost while orphaned runs were recovered: %s", error)


def _has_unended(ledger: Ledger) -> bool:
    with ledger.session() as session:
        return has_unended(session=session)


def _note_crash(ledger: Ledger, flow_run_id: UUID, process_exit: ProcessExit) -> None:
    with ledger.session() as session:
        receipt = receipt_of_flow_run(flow_run_id, session=session)
        if receipt is not None and receipt.state is State.RUNNING:
            note_crash(
                receipt.id,
                receipt.attempt,
                str(process_exit),
                counts=_can_be_its_fault(process_exit),
                session=session,
                pid=process_exit.pid or None,
            )


def _can_be_its_fault(process_exit: ProcessExit) -> bool:
    """Whether the receipt can have caused it: not if it was stopped or all of its worker was killed."""
    if process_exit.reason in {ExitReason.MEMORY, ExitReason.TIME, ExitReason.SILENT}:
        return True
    return process_exit.reason is ExitReason.SIGNAL and process_exit.signal in _OWN_FAULTS
