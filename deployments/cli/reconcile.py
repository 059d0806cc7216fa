"""The command `reconcile`: compare buckets, ledger and Prefect's runs, and repair what can be repaired."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json
from deployments.cli.connection import connect

if TYPE_CHECKING:
    from flows.pipeline.configuration import Pipeline
    from flows.reconciliation import Counts, Discrepancy

# Of what --json lists; the counts are of all. Printed for people, every discrepancy is listed.
_LISTED = 10_000


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(reconcile)


def reconcile(
    repair: Annotated[bool, typer.Option("--repair", help="Repair what can be repaired.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Check that every object has exactly one receipt and that everything agrees; exit status 1 if not."""
    remaining = asyncio.run(_reconcile(data, repair, as_json))
    raise typer.Exit(1 if remaining else 0)


async def _reconcile(data: Path, repair: bool, as_json: bool) -> int:
    pipeline = await connect(data)
    from flows.reconciliation import Counts  # noqa: PLC0415

    counts, listed = Counts(), list[dict[str, Any]]()

    def show(found: Discrepancy, done: str | None) -> None:
        if not as_json:
            console.print(_line(found, done), soft_wrap=True, markup=False, highlight=False)
        elif len(listed) < _LISTED:
            listed.append({"kind": found.kind.value, "subject": found.subject, "words": found.words, "done": done})

    await _look(pipeline, counts, repair, show)
    if as_json:
        print_json({**_plain(counts), "discrepancies": listed})
    else:
        from flows.reconcile_ledger import in_words  # noqa: PLC0415

        console.print(in_words(counts), soft_wrap=True, highlight=False)
    return counts.discrepancies


async def _look(pipeline: Pipeline, counts: Counts, repair: bool, show: Any) -> None:
    from contextlib import AsyncExitStack  # noqa: PLC0415

    from prefect.client.orchestration import get_client  # noqa: PLC0415

    from flows.reconciliation import find_discrepancies, open_repairer  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(get_client())
        repairer = await stack.enter_async_context(open_repairer(pipeline)) if repair else None
        async for found in find_discrepancies(pipeline, client, counts):
            done = await repairer.repair(found) if repairer else None
            counts.repaired += done is not None
            show(found, done)


def _line(found: Discrepancy, done: str | None) -> str:
    from flows.reconcile_ledger import line_of  # noqa: PLC0415

    return line_of(found, done)


def _plain(counts: Counts) -> dict[str, Any]:
    """The counts with their dictionaries as JSON has them."""
    found = {kind.value: count for kind, count in sorted(counts.found.items())}
    return {**vars(counts), "receipts": dict(sorted(counts.receipts.items())), "found": found}
