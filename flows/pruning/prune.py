"""One pass over everything that may be pruned, each kind by its own retention.

Every batch is removed and committed by itself, and is found anew by the next pass: a pass that is killed leaves nothing
half done.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections import Counter

from prefect.client.orchestration import PrefectClient

from blocks import RetentionPolicy
from flows.ledger.database import Ledger
from flows.ledger.retention import KINDS, Expiry, count_expired, remove_expired
from flows.pipeline.configuration import Pipeline
from flows.pruning.results import prune_results
from flows.pruning.runs import prune_runs
from flows.pruning.versions import prune_duplicates

Pruned = Counter[str]


async def prune(pipeline: Pipeline, client: PrefectClient, policy: RetentionPolicy, *, dry_run: bool) -> Pruned:
    """Remove what the policy lets go, or only count it.

    Returns:
        How many were removed, or with `dry_run` would be, of each kind that the policy does not keep for ever.
    """
    pruned, now = Pruned(), dt.datetime.now(dt.UTC)

    def expiry(days: int) -> Expiry:
        return Expiry(now - dt.timedelta(days=days), tuple(policy.legal_hold))

    if policy.flow_runs_days:
        pruned["flow runs"] = await prune_runs(client, pipeline.ledger, expiry(policy.flow_runs_days), dry_run=dry_run)
    for kind, days in _of_ledger(policy).items():
        if days:
            pruned[kind] = await asyncio.to_thread(prune_rows, pipeline.ledger, kind, expiry(days), dry_run)
    if policy.results_days:
        pruned["results"] = await asyncio.to_thread(prune_results, pipeline, expiry(policy.results_days), dry_run)
    if policy.duplicates_days:
        until = expiry(policy.duplicates_days)
        pruned["versions"] = await asyncio.to_thread(prune_duplicates, pipeline, until, dry_run)
    return pruned


def _of_ledger(policy: RetentionPolicy) -> dict[str, int]:
    days = (policy.notifications_days, policy.uploads_days, policy.audit_days)
    return dict(zip(KINDS, days, strict=True))


def prune_rows(ledger: Ledger, kind: str, expiry: Expiry, dry_run: bool) -> int:
    """Remove the ledger's rows of one kind that may go, a batch a transaction; returns how many."""
    if dry_run:
        with ledger.session() as session:
            return count_expired(kind, expiry, session=session)
    removed = 0
    while True:
        with ledger.session() as session:
            batch = remove_expired(kind, expiry, session=session)
        if not batch:
            return removed
        removed += batch
