"""The flow `reconcile-ledger`: compare the buckets, the ledger and Prefect's runs with each other.

Order: bring the words of contents that no search finds yet, compare (and, if asked, repair as it goes), then say in an
artifact what was found. A run that leaves something
unrepaired ends `Failed`, as a check that fails does. Needs the block `receipt-pipeline/default`.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.pipeline.configuration import load_pipeline
from flows.pipeline.searchable_texts import make_searchable
from flows.reconciliation import Counts, Discrepancy, find_discrepancies, open_repairer

# An artifact is for people; the whole list is in the run's log.
_SHOWN = 100


@flow(name="reconcile-ledger", persist_result=False)
async def reconcile_ledger(repair: bool = False) -> State[Any]:
    """Find every object, receipt, expense, result and run that does not fit the others.

    Args:
        repair: Repair what can be repaired, and say what was done.
    """
    counts, shown = Counts(), list[str]()
    pipeline = await load_pipeline()
    if made := await asyncio.to_thread(make_searchable, pipeline):
        get_run_logger().info("The words of %s contents that were read before can be searched now.", made)
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(get_client())
        repairer = await stack.enter_async_context(open_repairer(pipeline)) if repair else None
        async for found in find_discrepancies(pipeline, client, counts):
            done = await repairer.repair(found) if repairer else None
            counts.repaired += done is not None
            _note(found, done, shown)
    await acreate_markdown_artifact(
        key="reconcile-ledger", markdown=_markdown(counts, shown), description="What does not fit"
    )
    return Failed(message=in_words(counts)) if counts.discrepancies else Completed(message=in_words(counts))


def in_words(counts: Counts) -> str:
    """One sentence for people."""
    receipts = ", ".join(f"{count} {state}" for state, count in sorted(counts.receipts.items())) or "none"
    return (
        f"{counts.objects} objects, {counts.receipts.total()} receipts ({receipts}), {counts.expenses} expenses, "
        f"{counts.contents} contents, {counts.results} with results: {counts.found.total()} discrepancies, "
        f"{counts.repaired} repaired, {counts.skipped} files of an operating system skipped"
    )


def line_of(found: Discrepancy, done: str | None) -> str:
    """One discrepancy on one line."""
    return f"{found.kind.value}: {found.subject}: {found.words}{f' → {done}' if done else ''}"


def _note(found: Discrepancy, done: str | None, shown: list[str]) -> None:
    get_run_logger().warning(line_of(found, done))
    if len(shown) < _SHOWN:
        shown.append(f"| {found.kind.value} | `{found.subject}` | {found.words} | {done or ''} |")


def _markdown(counts: Counts, shown: list[str]) -> str:
    head = f"# Reconciled\n\n{in_words(counts)}.\n"
    if not shown:
        return head
    more = counts.found.total() - len(shown)
    rows = "\n".join(["| what | where | in words | done |", "|---|---|---|---|", *shown])
    return f"{head}\n{rows}\n" + (f"\n… and {more} more, in the run's log.\n" if more else "")
