"""The command `prune`: remove history whose retention is over, as the deployment `prune-history` does every night."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json
from deployments.cli.connection import connect


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(prune)


def prune(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be removed.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Remove history whose retention is over: runs, sent notifications, upload names, replaced results."""
    asyncio.run(_prune(dry_run, data, as_json))


async def _prune(dry_run: bool, data: Path, as_json: bool) -> None:
    pipeline = await connect(data)
    from prefect.client.orchestration import get_client  # noqa: PLC0415

    from flows.prune_history import in_words, load_policy  # noqa: PLC0415
    from flows.pruning import prune as prune_all  # noqa: PLC0415

    async with get_client() as client:
        pruned = await prune_all(pipeline, client, await load_policy(), dry_run=dry_run)
    if as_json:
        print_json({"dry_run": dry_run, "removed": dict(pruned)})
    else:
        console.print(in_words(pruned, dry_run))
