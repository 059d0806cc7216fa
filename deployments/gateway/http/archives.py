"""ZIP archives among posted files: each picture or document in one is a file of the request, as if sent by itself."""

from __future__ import annotations

import asyncio
import mimetypes
from collections.abc import Sequence
from contextlib import AsyncExitStack
from tempfile import SpooledTemporaryFile
from typing import IO

from deployments.gateway.http.problems import RefusedError
from deployments.gateway.http.request_bodies import SPOOL_BYTES, Spooled, spooled_file
from deployments.settings import GatewaySettings
from flows.containers import ContainerError, ContainerLimits, is_zip

# Pictures are packed already: an archive that holds much more than it is large is none of receipts.
_EXPANDED_TIMES = 4
_MOST_CONTAINED = 200


async def unpacked(files: Sequence[Spooled], settings: GatewaySettings, stack: AsyncExitStack) -> list[Spooled]:
    """The files, with what is in them in the place of archives; closed with `stack`.

    Raises:
        RefusedError: an archive is broken, encrypted, too large, or holds no picture and no document.
    """
    found: list[Spooled] = []
    for file in files:
        head = file.file.read(4)
        file.file.seek(0)
        if not is_zip(head):
            found.append(file)
            continue
        try:
            inside = await asyncio.to_thread(_contents, file, settings)
        except ContainerError as error:
            raise RefusedError(422, str(error)) from error
        for one in inside:
            stack.callback(one.file.close)
        found += inside
    return found


def _contents(archive: Spooled, settings: GatewaySettings) -> list[Spooled]:
    from deployments.ingest.archives import documents_in  # noqa: PLC0415 - what opens documents is for archives only

    most = settings.max_upload_bytes
    limits = ContainerLimits(_MOST_CONTAINED, max_file_bytes=most, max_total_bytes=_EXPANDED_TIMES * most)
    found: list[Spooled] = []
    try:
        for inner in documents_in(archive.file.read(), archive.name, limits):
            media_type = mimetypes.guess_type(inner.name)[0] or "application/octet-stream"
            found.append(spooled_file(_kept(inner.data), inner.name, media_type, len(inner.data)))
    except ContainerError:
        for one in found:
            one.file.close()
        raise
    return found


def _kept(data: bytes) -> IO[bytes]:
    file: IO[bytes] = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115 - the caller's
    file.write(data)
    file.seek(0)
    return file
