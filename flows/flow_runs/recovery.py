"""Bring receipts and their flow runs together again: what a crash, an outage or a lost Prefect database left apart.

Two looks, both safe to repeat at any time and beside running work: `resume_stopped` starts from Prefect's runs that
ended without a final state of their receipt, `resubmit_lost` from the ledger's receipts whose run does not exist any
more, or completed with another version of the object.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    DeploymentFilter,
    DeploymentFilterId,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.client.schemas.objects import State as RunState
from prefect.client.schemas.sorting import FlowRunSort
from prefect.states import AwaitingRetry

from flows.flow_runs.submission import Submitter
from flows.ledger.database import Ledger
from flows.ledger.receipts import (
    count_unended,
    detach_run,
    hold,
    receipts_of_flow_runs,
    submitted_unfinished,
    unended,
    unended_of_flow_runs,
    unnotified,
    waiting_among,
)
from flows.ledger.schema import State
from flows.ledger.values import WaitingReceipt
from flows.ledger.views import ReceiptView

_STOPPED = [StateType.FAILED, StateType.CRASHED, StateType.CANCELLED]
_PAGE = 200
# A run that goes on failing is tried at these intervals: within 30 s after an outage, and later seldom enough that a
# permanent fault (a wrong password, a bug) costs little until somebody repairs it.
_LONGEST_WAIT_SECONDS = 20
_PATIENT_TRIES = 30
_SELDOM_SECONDS = 600
# Quarantined receipts' runs are among the failed ones: a quick look must not read them again each time.
_RECENTLY = dt.timedelta(minutes=10)


@dataclass
class Recovered:
    """What was repaired."""

    resumed: int = 0
    resubmitted: int = 0
    held: int = 0

    def __bool__(self) -> bool:
        return bool(self.resumed or self.resubmitted or self.held)


async def resume_stopped(
    client: PrefectClient, ledger: Ledger, deployment_id: UUID, *, deep: bool = False
) -> Recovered:
    """Resume the runs that failed or crashed before their receipt was processed and its owner notified; hold the
    receipts of cancelled ones.

    Looks at the page of runs that stopped last, within ten minutes; with `deep` at all, however long ago they stopped.
    That goes by the ledger's receipts that are not done, which are few unless there is a backlog, or by Prefect's
    stopped runs where those are fewer: a page of either costs one request.
    """
    recovered = Recovered()
    if not deep:
        since = dt.datetime.now(dt.UTC) - _RECENTLY
        await _resume_page(client, ledger, await _stopped(client, deployment_id, since=since), recovered)
    elif await _fewer_receipts(client, ledger, deployment_id):
        await _resume_by_receipts(client, ledger, deployment_id, recovered)
    else:
        await _resume_by_runs(client, ledger, deployment_id, recovered)
    return recovered


async def _fewer_receipts(client: PrefectClient, ledger: Ledger, deployment_id: UUID) -> bool:
    receipts = await asyncio.to_thread(_count_unended, ledger)
    if receipts <= _PAGE:
        return True
    runs = await client.count_flow_runs(flow_run_filter=_stopped_filter(), deployment_filter=_of(deployment_id))
    return receipts <= runs


def _count_unended(ledger: Ledger) -> int:
    with ledger.session() as session:
        return count_unended(session=session)


async def _resume_by_receipts(client: PrefectClient, ledger: Ledger, deployment_id: UUID, recovered: Recovered) -> None:
    after: UUID | None = None
    while receipts := await asyncio.to_thread(_unended_after, ledger, after):
        after = receipts[-1].id
        runs = await _stopped(client, deployment_id, ids=[one.flow_run_id for one in receipts if one.flow_run_id])
        await _resume_page(client, ledger, runs, recovered)


def _unended_after(ledger: Ledger, after: UUID | None) -> list[ReceiptView]:
    with ledger.session() as session:
        return unended(session=session, limit=_PAGE, after=after)


async def _resume_by_runs(client: PrefectClient, ledger: Ledger, deployment_id: UUID, recovered: Recovered) -> None:
    before: dt.datetime | None = None
    while runs := await _stopped(client, deployment_id, before=before):
        await _resume_page(client, ledger, runs, recovered)
        oldest = min((run.end_time for run in runs if run.end_time), default=None)
        if len(runs) < _PAGE or oldest is None:
            return
        # The moment itself is asked for again, unless a whole page ended in it.
        before = oldest if oldest != before else oldest - dt.timedelta(microseconds=1)


async def _stopped(
    client: PrefectClient,
    deployment_id: UUID,
    *,
    ids: list[UUID] | None = None,
    before: dt.datetime | None = None,
    since: dt.datetime | None = None,
) -> list[FlowRun]:
    """The runs that stopped last, among these, before or since a moment, at most a page of them."""
    return await client.read_flow_runs(
        flow_run_filter=_stopped_filter(ids, before, since),
        deployment_filter=_of(deployment_id),
        sort=FlowRunSort.END_TIME_DESC,
        limit=_PAGE,
    )


def _stopped_filter(
    ids: list[UUID] | None = None, before: dt.datetime | None = None, since: dt.datetime | None = None
) -> FlowRunFilter:
    return FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_STOPPED)),
        id=None if ids is None else FlowRunFilterId(any_=ids),
        end_time=FlowRunFilterEndTime(before_=before, after_=since) if before or since else None,
    )


def _of(deployment_id: UUID) -> DeploymentFilter:
    return DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))


async def _resume_page(client: PrefectClient, ledger: Ledger, runs: list[FlowRun], recovered: Recovered) -> None:
    by_run = {receipt.flow_run_id: receipt for receipt in await asyncio.to_thread(_unended_of, ledger, runs)}
    for run in runs:
        if receipt := by_run.get(run.id):
            await _resume_one(client, ledger, run, receipt, recovered)


def _unended_of(ledger: Ledger, runs: Sequence[FlowRun]) -> list[ReceiptView]:
    """The runs' receipts that are not final yet, or whose owner was not notified."""
    with ledger.session() as session:
        ids = [run.id for run in runs]
        found = unended_of_flow_runs(ids, session=session)
        # A run that ended with another version of the object has done its work; `resubmit_lost` gives these a new one.
        spent = {one.flow_run_id for one in receipts_of_flow_runs(ids, session=session) if one.state.is_final}
    return [one for one in found if one.state.is_final or one.flow_run_id not in spent]


async def _resume_one(
    client: PrefectClient, ledger: Ledger, run: FlowRun, receipt: ReceiptView, recovered: Recovered
) -> None:
    if run.state is not None and run.state.is_cancelled():
        recovered.held += await asyncio.to_thread(_hold, ledger, receipt)
        return
    now = dt.datetime.now(dt.UTC)
    if run.end_time and now < run.end_time + dt.timedelta(seconds=_pause_seconds(run.run_count)):
        return
    # Its old position in the queue, which a time in the future would lose.
    due = min(now, run.expected_start_time or now)
    message = f"{run.state_name} before the receipt was processed and its owner notified; it is resumed."
    await resume_run(client, run.id, message, due=due)
    recovered.resumed += 1


async def resume_run(client: PrefectClient, flow_run_id: UUID, message: str, *, due: dt.datetime | None = None) -> None:
    """Have the same run resumed, from now on or since it was `due`; its finished steps are loaded."""
    scheduled: RunState[Any] = AwaitingRetry(scheduled_time=due or dt.datetime.now(dt.UTC), message=message)
    await client.set_flow_run_state(flow_run_id, scheduled, force=True)


def _pause_seconds(tries: int) -> float:
    return min(2 ** min(tries, 10), _LONGEST_WAIT_SECONDS) if tries < _PATIENT_TRIES else _SELDOM_SECONDS


def _hold(ledger: Ledger, receipt: ReceiptView) -> bool:
    with ledger.session() as session:
        reason = "Cancelled; retry it with `receiptflow retry`."
        return hold(receipt.id, reason, flow_run_id=receipt.flow_run_id, session=session)


async def resubmit_lost(
    client: PrefectClient, ledger: Ledger, submitter: Submitter, *, quiet_seconds: float
) -> Recovered:
    """Submit again the receipts whose flow run does not exist any more, as after the loss of Prefect's database.

    Those too that are final and whose owner such a run had still to notify.

    Args:
        client: Of Prefect's server.
        ledger: The ledger.
        submitter: Makes the new runs.
        quiet_seconds: Pass over receipts that something was written for more recently.
    """
    recovered, after = Recovered(), None
    while page := await asyncio.to_thread(_unfinished, ledger, quiet_seconds, after):
        after = page[-1].id
        known = await _expected(client, ledger, [receipt.flow_run_id for receipt in page if receipt.flow_run_id])
        lost = [receipt for receipt in page if receipt.flow_run_id not in known]
        reopened = await asyncio.to_thread(_give_back, ledger, lost)
        await submitter.submit_all(reopened)
        recovered.resubmitted += len(reopened)
    recovered.resubmitted += await _notify_owners(client, ledger, submitter, quiet_seconds)
    return recovered


async def _notify_owners(client: PrefectClient, ledger: Ledger, submitter: Submitter, quiet_seconds: float) -> int:
    """Have owners notified whose receipt is final and whose run was lost before it had told them."""
    after, submitted = None, 0
    while page := await asyncio.to_thread(_unnotified, ledger, quiet_seconds, after):
        after = page[-1].id
        alive = await _that_go_on(client, [receipt.flow_run_id for receipt in page if receipt.flow_run_id])
        for receipt in page:
            if receipt.flow_run_id and receipt.flow_run_id not in alive:
                await submitter.submit_to_notify(_to_submit(receipt), receipt.flow_run_id)
                submitted += 1
    return submitted


def _unnotified(ledger: Ledger, quiet_seconds: float, after: UUID | None) -> list[ReceiptView]:
    with ledger.session() as session:
        return unnotified(session=session, quiet_seconds=quiet_seconds, limit=_PAGE, after=after)


async def _that_go_on(client: PrefectClient, flow_run_ids: list[UUID]) -> set[UUID]:
    """Runs that are not over, or that recovery resumes: failed ones too, which a quarantined receipt's always is."""
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=flow_run_ids)), limit=_PAGE
    )
    open_runs = [run for run in runs if not (run.state and run.state.is_completed())]
    deployments = await _existing_deployments(client, {run.deployment_id for run in open_runs if run.deployment_id})
    return {
        run.id
        for run in open_runs
        if run.deployment_id in {None, *deployments} or (run.state and run.state.is_running())
    }


def _to_submit(receipt: ReceiptView) -> WaitingReceipt:
    return WaitingReceipt(
        receipt_id=receipt.id,
        bucket=receipt.bucket,
        key=receipt.key,
        owner=receipt.owner,
        reopened=receipt.reopened,
        pipeline_version=receipt.pipeline_version,
        priority=receipt.priority,
    )


def _unfinished(ledger: Ledger, quiet_seconds: float, after: UUID | None) -> list[ReceiptView]:
    with ledger.session() as session:
        return submitted_unfinished(session=session, quiet_seconds=quiet_seconds, limit=_PAGE, after=after)


async def _expected(client: PrefectClient, ledger: Ledger, flow_run_ids: list[UUID]) -> set[UUID]:
    """The runs from which something can still come: they exist, are not done, and can be carried out."""
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=flow_run_ids)), limit=_PAGE
    )
    failed = [run.id for run in runs if run.state_type == StateType.FAILED]
    done = await asyncio.to_thread(_that_quarantined, ledger, failed)
    open_runs = [run for run in runs if run.id not in done and not (run.state and run.state.is_completed())]
    deployments = await _existing_deployments(client, {run.deployment_id for run in open_runs if run.deployment_id})
    return {
        run.id
        for run in open_runs
        if run.deployment_id in {None, *deployments} or (run.state and run.state.is_running())
    }


def _that_quarantined(ledger: Ledger, flow_run_ids: Sequence[UUID]) -> set[UUID | None]:
    with ledger.session() as session:
        receipts = receipts_of_flow_runs(flow_run_ids, session=session)
    return {receipt.flow_run_id for receipt in receipts if receipt.state is State.QUARANTINED}


async def _existing_deployments(client: PrefectClient, deployment_ids: set[UUID]) -> set[UUID]:
    """Those that exist. A deployment that was deleted leaves behind runs that no process can load."""
    if not deployment_ids:
        return set()
    wanted = DeploymentFilter(id=DeploymentFilterId(any_=list(deployment_ids)))
    return {deployment.id for deployment in await client.read_deployments(deployment_filter=wanted)}


def _give_back(ledger: Ledger, receipts: Sequence[ReceiptView]) -> list[WaitingReceipt]:
    """Let receipts wait for a new run, their old one being gone for good."""
    given = []
    for receipt in receipts:
        with ledger.session() as session:
            reason = "Its flow run does not exist any more."
            detach_run(receipt.id, reason, flow_run_id=receipt.flow_run_id, session=session)
            given += waiting_among([receipt.id], session=session)
    return given
