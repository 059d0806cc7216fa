"""Ended flow runs in Prefect, page by page from the oldest.

Prefect deletes a run's tasks, states and logs with it, and its service `db_vacuum` (type `orphans`) the artifacts. That
service could delete old runs too, but knows neither the ledger, which may still resume one, nor legal holds.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from uuid import UUID

from prefect.client.orchestration import PrefectClient
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterEndTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import TERMINAL_STATES, FlowRun
from prefect.client.schemas.sorting import FlowRunSort

from flows.ledger.database import Ledger
from flows.ledger.receipts import receipts_of_flow_runs, unended_of_flow_runs
from flows.ledger.retention import Expiry

FLOWS = (
    "receipt-to-expense",
    "sweep-inbox",
    "fetch-mail",
    "reconcile-ledger",
    "deliver-webhooks",
    "notify-operator",
    "decide-review",
    "read-region",
    "prune-history",
    "export-expenses",
    "refresh-rates",
)
_PAGE = 200
_AT_ONCE = 50  # the most that the server deletes in one request


async def prune_runs(client: PrefectClient, ledger: Ledger, expiry: Expiry, *, dry_run: bool) -> int:
    """Delete the ended runs of our flows that may go; returns how many."""
    pruned = kept = 0
    while page := await _ended(client, expiry, offset=kept + (pruned if dry_run else 0)):
        needed = await asyncio.to_thread(_needed, ledger, [run.id for run in page])
        may_go = [run.id for run in page if run.id not in needed and not _is_held(run, expiry)]
        gone = len(may_go) if dry_run else await _delete(client, may_go)
        pruned += gone
        kept += len(page) - gone
    return pruned


async def _ended(client: PrefectClient, expiry: Expiry, *, offset: int) -> list[FlowRun]:
    return await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=list(FLOWS))),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=sorted(TERMINAL_STATES))),
            end_time=FlowRunFilterEndTime(before_=expiry.before),
        ),
        sort=FlowRunSort.START_TIME_ASC,
        limit=_PAGE,
        offset=offset,
    )


def _needed(ledger: Ledger, run_ids: Sequence[UUID]) -> set[UUID | None]:
    """The runs that recovery may take up again: their receipt is not finished, or its owner not notified."""
    with ledger.session() as session:
        held_too = [one for one in receipts_of_flow_runs(run_ids, session=session) if not one.state.is_final]
        unended = unended_of_flow_runs(run_ids, session=session)
    return {one.flow_run_id for one in (*held_too, *unended)}


def _is_held(run: FlowRun, expiry: Expiry) -> bool:
    tags = {f"owner:{owner}" for owner in expiry.held}
    if not tags.isdisjoint(run.tags):
        return True
    # A run that a person started has no tag of its owner.
    key, owner = (str(run.parameters.get(name) or "") for name in ("key", "owner"))
    return bool(expiry.held) and (owner or key.partition("/")[0]) in expiry.held


async def _delete(client: PrefectClient, run_ids: Sequence[UUID]) -> int:
    deleted = 0
    for first in range(0, len(run_ids), _AT_ONCE):
        ids = [str(one) for one in run_ids[first : first + _AT_ONCE]]
        body = {"flow_runs": {"id": {"any_": ids}}}
        # The server has this route, the client's list of them does not.
        answer = await client.request("POST", "/flow_runs/bulk_delete", json=body)  # type: ignore[arg-type]
        deleted += len(answer.json()["deleted"])
    return deleted
