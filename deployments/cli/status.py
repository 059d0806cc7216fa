"""The command `status`: one screen for people, JSON for programs, an exit status for monitors."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data, console, print_json
from deployments.cli.connection import STACK_FILE, connect
from deployments.cli.usage import in_words as size_in_words

if TYPE_CHECKING:
    from deployments.monitoring.standing import Standing

_CRITICAL = 2


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(status)


def status(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """Show what runs and since when, what waits, and what was done last; exit status 0 fine, 1 warning, 2 critical."""
    from flows.domain.errors import ReceiptflowError  # noqa: PLC0415

    try:
        standing = asyncio.run(_ask(data.resolve(), is_here=(data / STACK_FILE).exists()))
    except ReceiptflowError as error:
        # Nothing can be asked at all: for a monitor that is critical, not a wrong use of a command.
        if as_json:
            print_json({"level": "critical", "problems": [str(error)]})
        else:
            console.print(f"[bold red]critical[/] {error}", soft_wrap=True, highlight=False)
        raise typer.Exit(_CRITICAL) from error
    now = dt.datetime.now(dt.UTC)
    if as_json:
        print_json(_plain(standing, now))
    else:
        _show(standing, now)
    raise typer.Exit(int(standing.level(now)))


async def _ask(data: Path, *, is_here: bool) -> Standing:
    pipeline = await connect(data)
    from deployments.monitoring.inquiry import ask  # noqa: PLC0415  # after connect, see there

    gateway = os.environ.get("RECEIPTFLOW_GATEWAY_URL", "http://127.0.0.1:4201")
    return await ask(pipeline, gateway, data if is_here else None)


def _plain(standing: Standing, now: dt.datetime) -> dict[str, Any]:
    return {
        "level": standing.level(now).name.lower(),
        "problems": [problem.what for problem in standing.problems(now)],
        "parts": {part.name: {"answers": part.answers, "since": _iso(part.since)} for part in standing.parts},
        "workers_online": standing.workers,
        "states": standing.states,
        "oldest_waiting_seconds": standing.oldest_waiting_seconds,
        "notifications_unsent": standing.unsent,
        "last_sweep": _iso(standing.last_sweep),
        "last_backup": _iso(standing.last_backup),
        "disk_free_bytes": standing.disk.free_bytes if standing.disk else None,
        "versions": standing.versions,
    }


def _show(standing: Standing, now: dt.datetime) -> None:
    from deployments.monitoring.standing import in_words  # noqa: PLC0415

    for part in standing.parts:
        up = f"runs{f', for {in_words(now - part.since)}' if part.since else ''}"
        _line(part.name, up if part.answers else "[bold red]does not answer[/]")
    _line("workers online", _or_unknown(standing.workers))
    states = {name: count for name, count in (standing.states or {}).items() if count}
    counts = ", ".join(f"{count} {name}" for name, count in states.items())
    _line("receipts", counts or ("unknown" if standing.states is None else "none"))
    waiting = standing.oldest_waiting_seconds
    _line("oldest waiting", in_words(dt.timedelta(seconds=waiting)) if waiting else "none")
    _line("unsent", f"{_or_unknown(standing.unsent)} notifications")
    _line("last sweep", f"{in_words(now - standing.last_sweep)} ago" if standing.last_sweep else "none known")
    _line("last backup", f"{in_words(now - standing.last_backup)} ago" if standing.last_backup else "none known")
    if standing.disk:
        _line("disk", f"{size_in_words(standing.disk.free_bytes)} of {size_in_words(standing.disk.total_bytes)} free")
    _line("versions", ", ".join(f"{name} {number}" for name, number in standing.versions.items()))
    for problem in standing.problems(now):
        console.print(f"[bold red]{problem.level.name.lower()}[/] {problem.what}", soft_wrap=True, highlight=False)


def _line(name: str, value: str) -> None:
    console.print(f"{name:<15} {value}", soft_wrap=True, highlight=False)


def _or_unknown(value: object) -> str:
    return "unknown" if value is None else str(value)


def _iso(moment: dt.datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
