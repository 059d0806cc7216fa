"""Receipts from files of this machine: store, receive, submit, and wait until they are processed.

What the command line does; a flow run that Prefect's server does not take now is submitted by
the sweep.
"""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from deployments.ingest.archives import documents_in
from flows.containers import ContainerError, is_zip
from flows.domain.errors import ConfigurationError
from flows.flow_runs.submission import FRESH_QUEUE, open_submitter
from flows.ledger.receipts import read_receipts, receive, reopen, resolve, waiting_among
from flows.ledger.schema import FINAL_STATES, Source
from flows.ledger.values import ReceivedObject, WaitingReceipt
from flows.ledger.views import ReceiptView
from flows.pipeline.configuration import Pipeline
from flows.storage import clean_owner, put_file

_POLL_SECONDS = 0.3


@dataclass(frozen=True)
class Added:
    """One file that is stored in the inbox; `known` if it was there before."""

    path: Path
    receipt_id: UUID
    known: bool


async def add_files(
    pipeline: Pipeline,
    files: Sequence[Path],
    owner: str,
    queue: str = FRESH_QUEUE,
    *,
    source: Source = Source.CLI,
    refuse: Callable[[ContainerError], None] | None = None,
) -> list[Added]:
    """Store and receive files, of a ZIP archive those in it, then submit what waits.

    Args:
        pipeline: Where to.
        files: Pictures, documents, archives.
        owner: Whose they are.
        queue: Where their runs wait.
        source: How they came.
        refuse: Told of archives that cannot be opened, and then the others go on; without it the first one raises.

    Raises:
        ConfigurationError: a file cannot be read.
        ContainerError: an archive is broken, encrypted, too large or holds no receipts. What came before is received.
    """
    name = clean_owner(owner)
    added: list[Added] = []
    try:
        for file in files:
            contents = _contents(file)
            try:
                while (one := await asyncio.to_thread(next, contents, None)) is not None:
                    added.append(await asyncio.to_thread(_add_file, pipeline, one, name, source))
            except ContainerError as error:
                if refuse is None:
                    raise
                refuse(error)
    finally:
        await submit(pipeline, [entry.receipt_id for entry in added], queue)
    return added


def _contents(file: Path) -> Iterator[tuple[Path, bytes]]:
    """The file, or the pictures and documents in it, with the names to show; one in memory at a time."""
    try:
        with file.open("rb") as opened:
            archived = is_zip(opened.read(4))
        if not archived:
            yield file, file.read_bytes()
            return
        for inner in documents_in(file, file.name):
            yield file / inner.name, inner.data
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be read: {error.strerror}.") from error


def _add_file(pipeline: Pipeline, file: tuple[Path, bytes], owner: str, source: Source) -> Added:
    path, body = file
    content_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    put = put_file(pipeline.inbox(), owner, path.name, body, content_type=content_type)
    with pipeline.ledger.session() as session:
        reception = receive(ReceivedObject.of(put.version, source, owner=owner), session=session)
    # By the object: a new one's event can be faster, and have received it already.
    return Added(path, reception.receipt_id, known=put.was_there)


async def submit(pipeline: Pipeline, receipt_ids: Sequence[UUID], queue: str = FRESH_QUEUE) -> None:
    """Submit those of the receipts that wait without a flow run."""
    waiting = await asyncio.to_thread(_waiting_among, pipeline, receipt_ids)
    if waiting:
        async with open_submitter(pipeline.ledger) as submitter:
            await submitter.submit_all(waiting, queue)


def _waiting_among(pipeline: Pipeline, receipt_ids: Sequence[UUID]) -> list[WaitingReceipt]:
    with pipeline.ledger.session() as session:
        return waiting_among(receipt_ids, session=session)


def current_receipts(pipeline: Pipeline, receipt_ids: Sequence[UUID]) -> list[ReceiptView]:
    """The receipts as they are now, in the order given."""
    with pipeline.ledger.session() as session:
        return read_receipts(receipt_ids, session=session)


async def retry_receipt(pipeline: Pipeline, reference: str) -> tuple[WaitingReceipt, UUID]:
    """Reopen a receipt and submit it again. Returns the receipt and the flow run's id."""

    def take_up() -> WaitingReceipt:
        with pipeline.ledger.session() as session:
            receipt_id = resolve(reference, session=session)
            return reopen(receipt_id, "retried by a person", session=session)

    waiting = await asyncio.to_thread(take_up)
    async with open_submitter(pipeline.ledger) as submitter:
        return waiting, await submitter.submit(waiting)


async def wait_until_final(pipeline: Pipeline, receipt_ids: Sequence[UUID]) -> list[ReceiptView]:
    """The receipts once each is processed."""
    while True:
        rows = await asyncio.to_thread(current_receipts, pipeline, receipt_ids)
        if all(row.state in FINAL_STATES for row in rows):
            return rows
        await asyncio.sleep(_POLL_SECONDS)
