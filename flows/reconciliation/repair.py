"""Repair a discrepancy, each kind in its one way, and say what was done. What is only safe by hand is left alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.states import Crashed
from sqlmodel import Session

from flows.flow_runs.recovery import resume_run
from flows.flow_runs.submission import BACKLOG_QUEUE, DEPLOYMENT, Submitter, open_submitter
from flows.ledger.audit import results_are_unneeded
from flows.ledger.notifications import replay
from flows.ledger.receipts import (
    detach_run,
    get_receipt,
    pass_content_on,
    receive,
    reopen,
    supersede,
    waiting_among,
)
from flows.ledger.schema import Source
from flows.ledger.values import ReceivedObject, WaitingReceipt
from flows.pipeline.configuration import Pipeline
from flows.reconciliation.discrepancy import Discrepancy, Kind

R = TypeVar("R")

_REASON = "repaired by receiptflow reconcile"


class Repairer:
    """Repairs one pipeline."""

    def __init__(self, pipeline: Pipeline, client: PrefectClient, submitter: Submitter) -> None:
        self._pipeline, self._client, self._submitter = pipeline, client, submitter
        self._ways: dict[Kind, Callable[[Discrepancy], Awaitable[str | None]]] = {
            Kind.UNKNOWN_OBJECT: self._receive,
            Kind.OBJECT_GONE: self._close,
            Kind.NEVER_SUBMITTED: self._submit,
            Kind.RUN_MISSING: self._submit_anew,
            Kind.RUN_OVER: self._submit_anew,
            Kind.PROCESS_GONE: self._resume,
            Kind.TASK_LEFT_OPEN: self._close_task,
            Kind.EXPENSE_MISSING: self._reopen,
            Kind.EXPENSE_BROKEN: self._reopen,
            Kind.DUPLICATE_BROKEN: self._reopen,
            Kind.CONTENT_ABANDONED: self._pass_on,
            Kind.RESULTS_ORPHANED: self._remove_results,
            Kind.NOTIFICATION_STUCK: self._tell,
        }

    async def repair(self, found: Discrepancy) -> str | None:
        """What was done about it; None if that is for a person to decide."""
        way = self._ways.get(found.kind)
        return await way(found) if way else None

    async def _receive(self, found: Discrepancy) -> str:
        if found.version is None:
            raise ValueError("an unknown object names its version")
        version = await asyncio.to_thread(self._pipeline.inbox().named, found.version)

        def receive_object(session: Session) -> list[WaitingReceipt]:
            reception = receive(ReceivedObject.of(version, Source.SWEEP), session=session)
            return waiting_among([reception.receipt_id], session=session)

        return f"received; {await self._submit_all(await self._write(receive_object))}"

    async def _close(self, found: Discrepancy) -> str:
        reason = "The object was removed from the bucket before it was read; upload it again if it is still needed."
        closed = await self._write(lambda session: supersede(_receipt(found), reason, session=session))
        return "closed, since its object is gone" if closed else "it went on meanwhile"

    async def _submit(self, found: Discrepancy) -> str:
        waiting = await self._write(lambda session: waiting_among([_receipt(found)], session=session))
        return await self._submit_all(waiting)

    async def _submit_anew(self, found: Discrepancy) -> str:
        def forget(session: Session) -> list[WaitingReceipt]:
            detach_run(_receipt(found), _REASON, flow_run_id=found.run_id, session=session)
            return waiting_among([_receipt(found)], session=session)

        return await self._submit_all(await self._write(forget))

    async def _reopen(self, found: Discrepancy) -> str:
        waiting = await self._write(lambda session: reopen(_receipt(found), _REASON, session=session))
        return f"reopened; {await self._submit_all([waiting])}"

    async def _pass_on(self, found: Discrepancy) -> str:
        def pass_on(session: Session) -> list[WaitingReceipt]:
            successor = pass_content_on(_receipt(found), session=session)
            return waiting_among([successor], session=session) if successor else []

        waiting = await self._write(pass_on)
        if not waiting:
            return "released; the next receipt with this content is read"
        return f"passed on to receipt {waiting[0].receipt_id}, {await self._submit_all(waiting)}"

    async def _remove_results(self, found: Discrepancy) -> str | None:
        def remove(session: Session) -> bool:
            unneeded = results_are_unneeded(found.subject, session=session)
            if unneeded:
                self._pipeline.results.remove_all(f"{found.subject}/")
            return unneeded

        return "removed" if await self._write(remove) else None

    async def _resume(self, found: Discrepancy) -> str:
        if found.run_id is None:
            raise ValueError("a running receipt names its flow run")
        await resume_run(self._client, found.run_id, f"Its process has ended; {_REASON}.")
        return "flow run resumed"

    async def _close_task(self, found: Discrepancy) -> str:
        if found.run_id is None:
            raise ValueError("an open task run is named")
        crashed: State[Any] = Crashed(message=f"Its flow run is over; {_REASON}.")
        await self._client.set_task_run_state(found.run_id, crashed, force=True)
        return "task run closed as Crashed"

    async def _tell(self, found: Discrepancy) -> str:
        """A run for a receipt that is final does nothing but send what is unsent."""
        receipt = await self._write(lambda session: get_receipt(_receipt(found), session=session))
        await self._write(lambda session: replay(UUID(found.subject), session=session))
        deployment = await self._client.read_deployment_by_name(DEPLOYMENT)
        parameters = {"key": receipt.key, "bucket": receipt.bucket, "owner": receipt.owner}
        run = await self._client.create_flow_run_from_deployment(deployment.id, parameters=parameters)
        return f"to be sent by flow run {run.id}"

    async def _submit_all(self, waiting: list[WaitingReceipt]) -> str:
        runs = await self._submitter.submit_all(waiting, BACKLOG_QUEUE)
        return f"submitted as flow run {runs[0]}" if runs else "it went on meanwhile"

    async def _write(self, work: Callable[[Session], R]) -> R:
        def transaction() -> R:
            with self._pipeline.ledger.session() as session:
                return work(session)

        return await asyncio.to_thread(transaction)


def _receipt(found: Discrepancy) -> UUID:
    if found.receipt_id is None:
        raise ValueError(f"{found.kind} names its receipt")
    return found.receipt_id


@asynccontextmanager
async def open_repairer(pipeline: Pipeline) -> AsyncIterator[Repairer]:
    """A repairer with clients of its own."""
    async with get_client() as client, open_submitter(pipeline.ledger) as submitter:
        yield Repairer(pipeline, client, submitter)
