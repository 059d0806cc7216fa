"""Commands about receipts: `add`, `receipts`, `show`, `retry`."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deployments.cli.common import (
    DEFAULT_DATA,
    AsJson,
    Data,
    console,
    print_json,
    print_table,
    receipt_in_words,
    short_ids,
)
from deployments.cli.connection import connect
from deployments.cli.expenses import print_expenses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.containers import ContainerError
    from flows.ledger.decisions import HistoryLine, ReviewItem
    from flows.ledger.schema import State
    from flows.ledger.views import ReceiptView

Owner = Annotated[str | None, typer.Option(help="Only this owner's.")]
Reference = Annotated[
    str,
    typer.Argument(metavar="ID", help="Receipt or expense: its id, the first 8 characters, the file's name, the key."),
]
_AT_ONCE = 20
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="At most so many.")]


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(add)
    app.command()(receipts)
    app.command()(show)
    app.command()(retry)


def add(
    files: Annotated[
        list[Path], typer.Argument(help="Images, PDFs, ZIP archives of such, or folders with all below.", exists=True)
    ],
    owner: Annotated[str, typer.Option(help="Whose receipts these are.")] = "default",
    wait: Annotated[bool, typer.Option("--wait", help="Wait until each is processed.")] = False,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Put files into the inbox and have them processed."""
    asyncio.run(_add(files, owner, wait, data, as_json))


async def _add(files: list[Path], owner: str, wait: bool, data: Path, as_json: bool) -> None:
    pipeline = await connect(data)
    from deployments.cli.image_files import pictures_in, without_junk  # noqa: PLC0415
    from deployments.ingest.local_files import add_files, current_receipts, wait_until_final  # noqa: PLC0415
    from flows.flow_runs.submission import BACKLOG_QUEUE, FRESH_QUEUE  # noqa: PLC0415

    wanted = [file for path in files for file in (pictures_in(path, archives=True) if path.is_dir() else [path])]
    # A folder's worth goes behind what somebody waits for.
    queue = FRESH_QUEUE if len(wanted) <= _AT_ONCE else BACKLOG_QUEUE
    refused: list[ContainerError] = []
    added = await add_files(pipeline, without_junk(wanted), owner, queue, refuse=refused.append)
    ids = [entry.receipt_id for entry in added]
    rows = await wait_until_final(pipeline, ids) if wait else await asyncio.to_thread(current_receipts, pipeline, ids)
    if as_json:
        print_json(rows)
    else:
        print_receipts("added", rows)
    for error in refused:
        typer.echo(f"receiptflow: {error}", err=True)
    if refused:
        raise typer.Exit(1)


def print_receipts(title: str, rows: Sequence[ReceiptView]) -> None:
    """Print receipts as a table, with the name that each file was sent with."""
    from flows.storage import sent_name  # noqa: PLC0415

    columns = {
        "receipt": short_ids([row.id for row in rows]),
        "file": [sent_name(row.key) for row in rows],
        "state": [row.state for row in rows],
        "reason": [row.reason for row in rows],
        "owner": [row.owner for row in rows],
    }
    if len({row.owner for row in rows}) == 1:
        del columns["owner"]
    print_table(title, list(columns), zip(*columns.values(), strict=True), whole=("receipt", "state"))


def receipts(
    state: Annotated[
        str | None, typer.Option(help="waiting, running, expensed, review, duplicate, quarantined, dismissed.")
    ] = None,
    owner: Owner = None,
    limit: Limit = 100,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """List received objects and their states."""
    pipeline = asyncio.run(connect(data))
    from flows.ledger.receipts import list_receipts  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        rows = list_receipts(owner=owner, states=_states(state), limit=limit, session=session).items
    if as_json:
        print_json(rows)
    else:
        print_receipts(f"{len(rows)} receipts", rows)


def _states(name: str | None) -> list[State]:
    from flows.ledger.schema import State  # noqa: PLC0415

    if name is None:
        return []
    try:
        return [State(name)]
    except ValueError as error:
        known = ", ".join(state.value for state in State)
        raise typer.BadParameter(f"{name!r} is no state; known are {known}") from error


def show(
    reference: Reference,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Show one receipt: state, reason, history, expense."""
    pipeline = asyncio.run(connect(data))
    from flows.ledger.decisions import history, review_item  # noqa: PLC0415
    from flows.ledger.receipts import show_receipt  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        detail = show_receipt(reference, session=session)
        item = review_item(detail.id, session=session)
        lines = history(detail.id, session=session)
    if as_json:
        print_json(dataclasses.asdict(detail) | {"reading": item, "decisions": lines})
        return
    print_receipts(detail.key, [detail])
    _print_fields(item)
    _print_history(lines)
    if any(one.voided_at is None for one in item.expenses):
        print_expenses([one for one in item.expenses if one.voided_at is None])


def _print_fields(item: ReviewItem) -> None:
    known = [field for field in item.fields if field.value is not None or field.correction]
    if known:
        print_table(
            "read",
            ("field", "value", "sure", "read as", "corrected by"),
            (
                (
                    field.name,
                    field.value,
                    "" if field.confidence is None else f"{field.confidence:.0%}",
                    field.machine if field.machine != field.value else "",
                    field.correction.actor if field.correction else "",
                )
                for field in known
            ),
        )


def _print_history(lines: Sequence[HistoryLine]) -> None:
    print_table(
        "history",
        ("at", "what", "who", "before", "after", "read as", "reason"),
        (
            (
                f"{line.at:%Y-%m-%d %H:%M}",
                line.field or line.what,
                line.who,
                line.before,
                line.after,
                line.machine,
                line.reason,
            )
            for line in lines
        ),
    )


def retry(
    reference: Reference,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Retry a receipt that is in review or quarantine, or whose run was cancelled."""
    asyncio.run(_retry(reference, data, as_json))


async def _retry(reference: str, data: Path, as_json: bool) -> None:
    pipeline = await connect(data)
    from deployments.ingest.local_files import retry_receipt  # noqa: PLC0415

    receipt, flow_run_id = await retry_receipt(pipeline, reference)
    if as_json:
        print_json({"receipt_id": receipt.receipt_id, "flow_run_id": flow_run_id})
    else:
        name = receipt_in_words(receipt.key, receipt.receipt_id)
        console.print(f"{name} is retried.", soft_wrap=True, markup=False, highlight=False)
