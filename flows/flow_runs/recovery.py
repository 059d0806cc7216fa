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
from flows.ledger.audit import unnotified_among
from flows.ledger.database import Ledger
from flows.ledger.receipts import detach_run, hold, receipts_of_flow_runs, submitted_unfinished, waiting_among
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
_LOOK_BACK = dt.timedelta(days=2)


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

    Ended runs are read newest first, those that have done all that there is to do are passed over: one page of them,
    or with `deep` all that ended within two days, which many finished ones could hide otherwise.
    """
    recovered, before = Recovered(), None
    while runs := await _stopped_before(client, deployment_id, before):
        await _resume_page(client, ledger, runs, recovered)
        before = min((run.end_time for run in runs if run.end_time), default=None)
        if not deep or len(runs) < _PAGE or before is None:
            break
    return recovered


async def _stopped_before(client: PrefectClient, deployment_id: UUID, before: dt.datetime | None) -> list[FlowRun]:
    """The runs that stopped last, or last before a moment, at most a page of them."""
    return await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_STOPPED)),
            end_time=FlowRunFilterEndTime(after_=dt.datetime.now(dt.UTC) - _LOOK_BACK, before_=before),
        ),
        deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id])),
        sort=FlowRunSort.END_TIME_DESC,
        limit=_PAGE,
    )


async def _resume_page(client: PrefectClient, ledger: Ledger, runs: list[FlowRun], recovered: Recovered) -> None:
    unended = await asyncio.to_thread(_unended_of, ledger, [run.id for run in runs])
    by_run = {receipt.flow_run_id: receipt for receipt in unended}
    for run in runs:
        if receipt := by_run.get(run.id):
            await _resume_one(client, ledger, run, receipt, recovered)


def _unended_of(ledger: Ledger, flow_run_ids: Sequence[UUID]) -> list[ReceiptView]:
    """The runs' receipts that are not final yet, or whose owner was not notified."""
    with ledger.session() as session:
        receipts = receipts_of_flow_runs(flow_run_ids, session=session)
        unnotified = unnotified_among([receipt.id for receipt in receipts], session=session)
    return [one for one in receipts if _is_open(one) or (one.state.is_final and one.id in unnotified)]


def _is_open(receipt: ReceiptView) -> bool:
    return receipt.state in {State.WAITING, State.RUNNING} and not receipt.held


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

    Args:
        client: Of Prefect's server.
        ledger: The ledger.
        submitter: Makes the new runs.
        quiet_seconds: Pass over receipts that something was written for more recently.
    """
    recovered, after = Recovered(), None
    while page := await asyncio.to_thread(_unfinished, ledger, quiet_seconds, after):
        after = page[-1].id
        known = await _expected(client, [receipt.flow_run_id for receipt in page if receipt.flow_run_id])
        lost = [receipt for receipt in page if receipt.flow_run_id not in known]
        reopened = await asyncio.to_thread(_give_back, ledger, lost)
        await submitter.submit_all(reopened)
        recovered.resubmitted += len(reopened)
    return recovered


def _unfinished(ledger: Ledger, quiet_seconds: float, after: UUID | None) -> list[ReceiptView]:
    with ledger.session() as session:
        return submitted_unfinished(session=session, quiet_seconds=quiet_seconds, limit=_PAGE, after=after)


async def _expected(client: PrefectClient, flow_run_ids: list[UUID]) -> set[UUID]:
    """The runs from which something can still come: they exist, and have not completed."""
    runs = await client.read_flow_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=flow_run_ids)), limit=_PAGE
    )
    return {run.id for run in runs if not (run.state and run.state.is_completed())}


def _give_back(ledger: Ledger, receipts: Sequence[ReceiptView]) -> list[WaitingReceipt]:
    """Let receipts wait for a new run, their old one being gone for good."""
    given = []
    for receipt in receipts:
        with ledger.session() as session:
            reason = "Its flow run does not exist any more."
            detach_run(receipt.id, reason, flow_run_id=receipt.flow_run_id, session=session)
            given += waiting_among([receipt.id], session=session)
    return given
