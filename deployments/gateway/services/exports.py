"""Making exports and answering with their files, for the API and the pages.

Files are written to the disk first and streamed from there: a slow reader keeps no transaction open, the memory stays
the same for any number of expenses, and what a target would refuse is refused before the first byte.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from fastapi.responses import StreamingResponse

from deployments.gateway.context import GatewayContext
from flows.exports import (
    Exported,
    Member,
    Staging,
    archive_stream,
    confirm,
    export,
    listed_pictures,
    originals_in,
    picture_members,
    staging,
    write_again,
    zip_stream,
)
from flows.ledger.exports import ExportNotFoundError, Period

_PIECE_BYTES = 256 * 1024
_MEDIA_TYPES = {".csv": "text/csv", ".json": "application/json", ".ofx": "application/x-ofx", ".qif": "application/qif"}


def make_export(
    context: GatewayContext,
    owner: str,
    target: str,
    period: Period,
    *,
    since_last: bool = False,
    leave_out: bool = False,
) -> Exported:
    """Make the next export of a target; its files are to be had afterwards. Arguments and errors as of `export`."""
    with staging() as output:
        made = export(context.ledger, owner, target, output, period=period, since_last=since_last, leave_out=leave_out)
    # It can be had again at any time, by its number: nothing of it has to be made sure of.
    confirm(context.ledger, made, owner)
    return made


async def files_answer(
    context: GatewayContext, owner: str, target: str, period: Period, number: int | None
) -> StreamingResponse:
    """One file as it is, several as a zip.

    Args:
        context: The gateway's.
        owner: Whose.
        target: The target's name.
        period: Days of purchase, of files that are written whole.
        number: Of the export; without it the last one's, or everything as it is now.

    Raises:
        UnknownTargetError: There is no such target.
        ExportNotFoundError: There is no such export, or nothing in it.
        WrongOptionError: The target cannot do this.
    """
    with ExitStack() as stack:
        output = await asyncio.to_thread(stack.enter_context, staging())
        if number is not None:
            await asyncio.to_thread(write_again, context.ledger, owner, target, number, output)
        else:
            write = partial(export, period=period, leave_out=True, note=False)
            await asyncio.to_thread(write, context.ledger, owner, target, output)
        if not output.names:
            raise ExportNotFoundError(target, number or 1)
        kept = stack.pop_all()
    if len(output.names) > 1:
        return _zip(_closing(kept, zip_stream(_members(output))), f"receiptflow-{target}.zip")
    (name,) = output.names
    media_type = _MEDIA_TYPES.get(Path(name).suffix, "text/plain; charset=utf-8")
    pieces = _closing(kept, _pieces(output.folder / name))
    return StreamingResponse(pieces, media_type=media_type, headers=_as_file(name))


def pictures_answer(context: GatewayContext, owner: str, period: Period) -> StreamingResponse:
    """The pictures of a period as a zip, under the paths that the exported files name."""
    return _zip(_pictures(context, owner, period), "receiptflow-pictures.zip")


def archive_answer(context: GatewayContext, owner: str, year: int) -> StreamingResponse:
    """A year as a zip; raises WrongOptionError if there is no such year."""
    pieces = archive_stream(context.ledger, owner, year, originals_in(context.s3))
    return _zip(pieces, f"receiptflow-{year}.zip")


def _pictures(context: GatewayContext, owner: str, period: Period) -> Iterator[bytes]:
    with listed_pictures(context.ledger, owner, period) as pictures:
        yield from zip_stream(picture_members(pictures, originals_in(context.s3)))


def _members(output: Staging) -> Iterator[Member]:
    for name in output.names:
        yield Member(name, _pieces(output.folder / name), is_text=True)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def _closing(kept: ExitStack, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The pieces; what they are read from goes with the last one, or with the reader."""
    with kept:
        yield from pieces


def _zip(pieces: Iterator[bytes], name: str) -> StreamingResponse:
    return StreamingResponse(pieces, media_type="application/zip", headers=_as_file(name))


def _as_file(name: str) -> dict[str, str]:
    # Names are ours: ASCII, without quotes.
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
