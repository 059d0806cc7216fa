"""The flow `export-expenses`: an owner's expenses in another program's books, once: files, or by the program's server.

Order: the run is tagged with owner and target, the export, then the pictures where they are wanted, then an artifact
with what is new, changed, voided and left out. One deployment for each target, each with a schedule that is not active
until somebody wants it. Needs the block `receipt-pipeline/default`, and for a target with a server the owner's block of
it.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow, task
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.domain.owners import DEFAULT_OWNER
from flows.exports import Exported, Options, export_into, file_target, originals_in, pictures_into, push
from flows.ledger.errors import InvalidReferenceError
from flows.ledger.exports import Period
from flows.pipeline.book_servers import SERVERS, Server, load_server, open_server, owner_slug, run_tags
from flows.pipeline.configuration import Pipeline, load_pipeline
from flows.pipeline.retries import task_options
from flows.storage import clean_owner


@flow(name="export-expenses", persist_result=False)
async def export_expenses(  # noqa: PLR0917  # the form's fields; nobody passes them by position
    target: str = "csv",
    owner: str = DEFAULT_OWNER,
    folder: str = "~/receiptflow-exports",
    date_from: str = "",
    date_to: str = "",
    since_last: bool = False,
    leave_out: bool = False,
    pictures: bool = False,
    server: str = "",
) -> State[Any]:
    """Export expenses for a program.

    Args:
        target: csv, ofx, qif, firefly-csv, beancount, ledger or hledger; actual or firefly by their servers.
        owner: Whose expenses.
        folder: Where the files go, on the worker's machine; each target and owner has a folder of its own in it.
        date_from: First day of purchase, YYYY-MM-DD; empty for all before.
        date_to: Last day of purchase, YYYY-MM-DD; empty for all after.
        since_last: Only what came since the export before.
        leave_out: Leave out what the target would refuse, rather than export nothing.
        pictures: Put the pictures beside the files.
        server: Block of the server, actual-server/… or firefly-server/…; empty for the owner's own.
    """
    pipeline = await load_pipeline()
    await _tag(owner, target)
    period = Period(_day("date_from", date_from), _day("date_to", date_to))
    options = Options(period, since_last=since_last, leave_out=leave_out)
    if target in SERVERS:
        place = None
        made = [await tell_server(pipeline, owner, target, server, options)]
    else:
        place = _place(folder, owner, target)
        made = await asyncio.to_thread(_export, pipeline, owner, target, place, options)
    if pictures and place:
        open_original = originals_in(pipeline.s3)
        await asyncio.to_thread(pictures_into, pipeline.ledger, owner, place, period, open_original)
    await acreate_markdown_artifact(
        key=f"export-{target}-{owner_slug(owner)}", markdown=_markdown(made, place), description=in_words(made[-1])
    )
    return Completed(message=in_words(made[-1]))


async def _tag(owner: str, target: str) -> None:
    """Have the run found by whose export it is, as the pages do."""
    wanted = {*flow_run.tags, *run_tags(owner, target)}
    if flow_run.id and wanted != set(flow_run.tags):
        async with get_client() as client:
            await client.update_flow_run(UUID(flow_run.id), tags=wanted)


@task(**task_options("tell_server"))
async def tell_server(pipeline: Pipeline, owner: str, target: str, server: str, options: Options) -> Exported:
    """Bring what a server has to what the expenses are; tried again while it is away."""
    return await asyncio.to_thread(_push, pipeline, owner, await load_server(target, owner, server), options)


def _push(pipeline: Pipeline, owner: str, server: Server, options: Options) -> Exported:
    with open_server(server, originals_in(pipeline.s3)) as books:
        return push(pipeline.ledger, owner, books, period=options.period, leave_out=options.leave_out)


def _day(field: str, text: str) -> dt.date | None:
    if not text:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise InvalidReferenceError(f"{field}: {text!r} is no date; write it like 2026-11-30") from error


def _place(folder: str, owner: str, target: str) -> Path:
    """The folder of an owner's target; neither name can lead out of it."""
    return Path(folder).expanduser() / clean_owner(owner) / file_target(target).name


def _export(pipeline: Pipeline, owner: str, target: str, place: Path, options: Options) -> list[Exported]:
    return list(export_into(pipeline.ledger, owner, target, place, options))


def in_words(made: Exported) -> str:
    """One sentence for people."""
    told = f"{made.new} new, {made.changed} changed, {made.voided} voided"
    if made.is_repeat and made.target in SERVERS:
        told += "; what an export of before had left was told, too"
    return f"{told}; {made.refused} left out" if made.refused else told


def _markdown(made: Sequence[Exported], place: Path | None) -> str:
    last = made[-1]
    rows = [f"| {one.number or 'nothing new'} | {one.new} | {one.changed} | {one.voided} |" for one in made]
    files = [f"- `{place / name}`" for one in made for name in one.files if place]
    changes = [f"- {change.kind}: `{change.public_id}`, revision {change.revision}" for change in last.changes]
    refused = [f"- {_plain(str(refusal))}" for refusal in last.refusals]
    parts = [
        f"# Exported to {last.target}",
        "| export | new | changed | voided |\n|---|---|---|---|\n" + "\n".join(rows),
        *(["## Files", "\n".join(files)] if files else ()),
        *(["## Changed and voided since", "\n".join(changes)] if changes else ()),
        *(["## Left out", "\n".join(refused)] if refused else ()),
    ]
    return "\n\n".join(parts) + "\n"


def _plain(text: str) -> str:
    """Text from receipts as text: nothing of it is a link, a picture or HTML."""
    return "".join(f"\\{one}" if one in "\\`*_{}[]()<>#+-!|~" else one for one in text)
