"""The whole comparison as one stream of discrepancies: objects, results, rows, runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from prefect.client.orchestration import PrefectClient

from flows.pipeline.configuration import Pipeline
from flows.reconciliation.discrepancy import Counts, Discrepancy
from flows.reconciliation.objects import compare_objects
from flows.reconciliation.results import compare_results
from flows.reconciliation.rows import compare_rows
from flows.reconciliation.runs import compare_runs


async def find_discrepancies(pipeline: Pipeline, client: PrefectClient, counts: Counts) -> AsyncIterator[Discrepancy]:
    """Every discrepancy as it is found; `counts` grows along. Memory does not grow with the number of objects."""
    for looked in (
        compare_objects(pipeline, counts),
        compare_results(pipeline, counts),
        compare_rows(pipeline.ledger, counts),
    ):
        async for found in _in_thread(looked):
            counts.found[found.kind] += 1
            yield found
    async for found in compare_runs(client, pipeline.ledger, counts):
        counts.found[found.kind] += 1
        yield found


async def _in_thread(entries: Iterator[Discrepancy]) -> AsyncIterator[Discrepancy]:
    while (entry := await asyncio.to_thread(next, entries, None)) is not None:
        yield entry
