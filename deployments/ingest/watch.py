"""Takes what becomes complete in a watched folder, for as long as the process lives.

The folder's events only wake it up; what counts is a look at the folder, so that network folders without events work
too. What storage, ledger or Prefect do not take now is tried again.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from watchfiles import awatch

from deployments.ingest.local_files import Added, add_files
from deployments.ingest.watched_folder import WatchedFolder
from flows.containers import is_zip
from flows.domain.errors import ReceiptflowError, TransientError
from flows.ledger.schema import Source
from flows.pipeline.configuration import Pipeline
from flows.reading.documents import is_document

_log = logging.getLogger("receiptflow.watch")
# Of a text the first amount tells whether it is a receipt, and that may stand far behind an HTML head.
_HEAD_BYTES = 1_000_000
Connect = Callable[[], Awaitable[Pipeline]]


async def watch(
    watched: WatchedFolder, connect: Connect, owner: str, *, move_to: Path | None, look_seconds: float, once: bool
) -> None:
    """Take files until the process is told to stop, or with `once` until none is left that may become complete.

    Args:
        watched: The folder.
        connect: Gives the pipeline, also after it was away.
        owner: Whose receipts these are.
        move_to: Folder that taken files are moved to; None leaves them where they are.
        look_seconds: How often to look at the folder though nothing was heard of it.
        once: Stop by itself.
    """
    await _look(watched, connect, owner, move_to)
    if once:
        while watched.is_settling:
            await asyncio.sleep(look_seconds)
            await _look(watched, connect, owner, move_to)
        return
    events = awatch(watched.folder, rust_timeout=int(look_seconds * 1000), yield_on_timeout=True)
    async for _ in events:
        await _look(watched, connect, owner, move_to)


async def _look(watched: WatchedFolder, connect: Connect, owner: str, move_to: Path | None) -> None:
    for path in watched.complete():
        try:
            pipeline = await connect()
            added = await _added(pipeline, path, owner)
        except (TransientError, httpx.HTTPError) as error:
            _log.warning("%s is tried again: %s", path.name, error)
            return
        if not added:
            watched.pass_over(path)
            continue
        watched.take(path)
        for one in added:
            _log.info("%s %s", one.path.name, "was known" if one.known else "added")
        if move_to is not None:
            await asyncio.to_thread(_move, path, move_to)


async def _added(pipeline: Pipeline, path: Path, owner: str) -> list[Added]:
    """The receipts of one file; none, and a word about it, where it is no receipt or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
        added = await add_files(pipeline, [path], owner, source=Source.FOLDER) if _may_be_receipt(head) else []
    except TransientError:
        raise
    except (ReceiptflowError, OSError) as error:
        _log.warning("%s is left alone until it changes: %s", path.name, error)
        return []
    if not added:
        _log.warning("%s is left alone: it is no picture, no PDF and no archive of such", path.name)
    return added


def _may_be_receipt(head: bytes) -> bool:
    return is_zip(head) or is_document(head)


def _move(path: Path, folder: Path) -> None:
    """Never over another file: the second of a name gets a number."""
    folder.mkdir(parents=True, exist_ok=True)
    target, number = folder / path.name, 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}-{number}{path.suffix}"
    shutil.move(path, target)
