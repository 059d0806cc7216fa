"""The command `watch`: whatever becomes complete in a folder becomes a receipt."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import signal
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli.common import DEFAULT_DATA, Data
from deployments.cli.connection import connect


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(watch)


def watch(
    folder: Annotated[Path, typer.Argument(help="Folder to watch, with all below it.", exists=True, file_okay=False)],
    owner: Annotated[str, typer.Option(help="Whose receipts these are.")] = "default",
    move_to: Annotated[
        Path | None, typer.Option(help="Move what was taken there; without it, it stays and is remembered.")
    ] = None,
    settle_seconds: Annotated[
        float, typer.Option(min=0.1, help="A file is taken when it has stayed the same for so long.")
    ] = 3.0,
    once: Annotated[bool, typer.Option("--once", help="Take what is there and stop, for cron.")] = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Take receipts from a folder, as a scanner, a sync program or a person puts them there; until interrupted."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    folder, target = folder.resolve(), move_to.resolve() if move_to else None
    if target is not None and target.is_relative_to(folder):
        raise typer.BadParameter(f"{target} lies in the watched folder: what is moved there would be taken again")
    asyncio.run(_watch(folder, owner, target, settle_seconds, once, data))


async def _watch(folder: Path, owner: str, move_to: Path | None, settle: float, once: bool, data: Path) -> None:
    await connect(data)
    from deployments.ingest.watch import watch as watch_folder  # noqa: PLC0415  # after connect, see there
    from deployments.ingest.watched_folder import WatchedFolder  # noqa: PLC0415
    from flows.storage import clean_owner  # noqa: PLC0415

    digest = hashlib.sha256(f"{folder}\n{owner}".encode()).hexdigest()[:16]
    watched = WatchedFolder(folder, data / "watched" / f"{digest}.json", settle_seconds=settle)
    watching = asyncio.ensure_future(
        watch_folder(
            watched,
            lambda: connect(data),
            clean_owner(owner),
            move_to=move_to,
            look_seconds=max(settle, 0.5),
            once=once,
        )
    )
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, watching.cancel)
    try:
        await watching
    except asyncio.CancelledError:
        typer.echo("stopped")
