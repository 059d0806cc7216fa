"""Request bodies into bounded memory: a raw body or multipart files, spooled, counted and hashed.

A file of up to `SPOOL_BYTES` stays in memory, a larger one goes to a temporary file, so that a request's memory
does not depend on its body. A body that is too large, too slow or malformed is refused while it arrives.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO
from urllib.parse import unquote

from fastapi import Request
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from deployments.gateway.http.problems import RefusedError
from deployments.gateway.http.request_metrics import RequestMetrics
from deployments.settings import GatewaySettings
from flows.domain.junk_files import is_junk_file

SPOOL_BYTES = 2_000_000
# Boundaries and part headers come on top of the files themselves.
_MULTIPART_OVERHEAD_BYTES = 10_000
_MOST_FIELDS = 20
_LONGEST_FIELD_BYTES = 2_000
_FINISH_SECONDS = 2.0
_DEFAULT_TYPE = "application/octet-stream"


@dataclass(frozen=True, slots=True)
class Spooled:
    """One file of a request."""

    file: IO[bytes]
    name: str
    media_type: str
    size_bytes: int
    sha256: str


class _Parser(MultiPartParser):
    spool_max_size = SPOOL_BYTES


async def read_files(request: Request, settings: GatewaySettings, stack: AsyncExitStack) -> list[Spooled]:
    """The files of a request; they are closed with `stack`.

    Raises:
        RefusedError: empty, too large, too many, too slow or malformed.
    """
    return (await read_form(request, settings, stack))[0]


async def read_form(
    request: Request, settings: GatewaySettings, stack: AsyncExitStack
) -> tuple[list[Spooled], dict[str, str]]:
    """The files of a request, and the text fields beside them if it is a form.

    Raises:
        RefusedError: as `read_files`.
    """
    multipart = request.headers.get("content-type", "").lower().startswith("multipart/form-data")
    most = settings.max_files if multipart else 1
    stream = request.stream()
    body = _bounded(stream, request, settings, settings.max_upload_bytes * most + _MULTIPART_OVERHEAD_BYTES * most)
    try:
        form = await _multipart(request, body, settings) if multipart else await _raw(request, body, settings)
    except RefusedError:
        await _let_finish(stream)
        raise
    uploads = [value for _name, value in form.multi_items() if isinstance(value, UploadFile)]
    for upload in uploads:
        stack.push_async_callback(upload.close)
    _require_sizes(uploads, settings)
    fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
    return [await _spooled(upload) for upload in uploads], fields


async def _let_finish(stream: AsyncGenerator[bytes, None]) -> None:
    """Read on for a moment: a connection that is closed on a sender in full flow loses the answer on its way."""
    try:
        async with asyncio.timeout(_FINISH_SECONDS):
            async for _chunk in stream:
                pass
    except (TimeoutError, ClientDisconnect):
        return


async def _bounded(
    stream: AsyncGenerator[bytes, None], request: Request, settings: GatewaySettings, limit: int
) -> AsyncGenerator[bytes, None]:
    """The body's pieces within `limit` bytes and the settings' times."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise _too_large(settings)
    deadline = asyncio.get_running_loop().time() + settings.body_seconds
    seen = 0
    while True:
        left = deadline - asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(min(left, settings.body_idle_seconds)):
                chunk = await anext(stream, None)
        except TimeoutError as error:
            raise RefusedError(408, "The body came too slowly; send it again.", {"Connection": "close"}) from error
        except ClientDisconnect as error:
            raise RefusedError(400, "The sender went away before the body ended.") from error
        if chunk is None:
            return
        seen += len(chunk)
        if seen > limit:
            raise _too_large(settings)
        yield chunk


async def _raw(request: Request, body: AsyncGenerator[bytes, None], settings: GatewaySettings) -> FormData:
    spool: SpooledTemporaryFile[bytes] = SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  # closed by the caller's stack
    upload = UploadFile(spool, size=0, filename=_name_of(request), headers=request.headers)  # type: ignore[arg-type]  # as starlette's own parser does
    try:
        async for chunk in body:
            await upload.write(chunk)
            if (upload.size or 0) > settings.max_upload_bytes:
                raise _too_large(settings)
        await upload.seek(0)
    except BaseException:
        spool.close()
        raise
    return FormData([("file", upload)])


def _name_of(request: Request) -> str:
    return request.query_params.get("name") or unquote(request.headers.get("x-file-name", ""))


async def _multipart(request: Request, body: AsyncGenerator[bytes, None], settings: GatewaySettings) -> FormData:
    parser = _Parser(
        request.headers,
        body,
        max_files=settings.max_files,
        max_fields=_MOST_FIELDS,
        max_part_size=_LONGEST_FIELD_BYTES,
    )
    try:
        return await parser.parse()
    except MultiPartException as error:
        raise RefusedError(400, f"The multipart body is malformed: {error.message}") from error


def require_no_junk(names: Iterable[str], metrics: RequestMetrics) -> None:
    """Refuse and count a file that an operating system added to a folder by itself."""
    for name in names:
        if is_junk_file(name.replace("\\", "/")):
            metrics.skipped.labels("api").inc()
            raise RefusedError(422, f"{name} was made by an operating system and is no receipt; leave it out.")


def _require_sizes(uploads: list[UploadFile], settings: GatewaySettings) -> None:
    if not uploads:
        raise RefusedError(
            422, "There is no file in the body; send one as multipart field `file`, or as the body itself."
        )
    if any((upload.size or 0) > settings.max_upload_bytes for upload in uploads):
        raise _too_large(settings)
    if any(not upload.size for upload in uploads):
        raise RefusedError(422, "A file is empty; send the picture itself.")


def _too_large(settings: GatewaySettings) -> RefusedError:
    detail = f"A file may have at most {settings.max_upload_bytes} bytes; send a smaller picture."
    return RefusedError(413, detail, {"Connection": "close"})


async def _spooled(upload: UploadFile) -> Spooled:
    file = upload.file
    # What lies in memory is hashed at once: a millisecond, less than handing it to a thread and back under load.
    digest = await asyncio.to_thread(_sha256, file) if getattr(file, "_rolled", True) else _sha256(file)
    media_type = (upload.content_type or "").split(";")[0].strip().lower()
    known = media_type and media_type.isascii() and media_type.isprintable() and len(media_type) <= 100
    return Spooled(file, upload.filename or "", media_type if known else _DEFAULT_TYPE, upload.size or 0, digest)


def spooled_file(file: IO[bytes], name: str, media_type: str, size_bytes: int) -> Spooled:
    """A file that came inside another one."""
    return Spooled(file, name, media_type, size_bytes, _sha256(file))


def _sha256(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    while chunk := file.read(io.DEFAULT_BUFFER_SIZE * 64):
        digest.update(chunk)
    file.seek(0)
    return digest.hexdigest()
