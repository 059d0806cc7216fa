"""Routes of pictures: the original as it was sent, and the read page with its fields boxed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from deployments.gateway.api.receipt_status import read_detail
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Reader
from deployments.gateway.http.problems import RESPONSES, RefusedError
from flows.domain.fields import DocumentText, ReceiptFields
from flows.ledger.views import ReceiptDetail, ReceiptView
from flows.pipeline.artifacts import annotated_picture
from flows.pipeline.previews import preview_key
from flows.storage import ObjectVersion

router = APIRouter(tags=["receipts"], responses=RESPONSES)
_PIECE_BYTES = 256 * 1024
# Shown by browsers as pictures and nothing else; all other types are downloads.
_SHOWN = {"image/jpeg", "image/png", "image/webp"}
# A sender's file is a stranger's file: never a page of this origin, never guessed at.
_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, max-age=60",
}
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}


@router.get(
    "/receipts/{receipt_id}/image",
    summary="The original",
    response_class=StreamingResponse,
    responses={200: {"content": {"image/*": _BINARY, "application/octet-stream": _BINARY}}},
)
async def get_image(receipt_id: UUID, caller: Reader, context: Context) -> StreamingResponse:
    """The bytes as they were sent."""
    return await original(context, await read_detail(context, receipt_id, caller.owner))


async def original(context: GatewayContext, detail: ReceiptView) -> StreamingResponse:
    """A receipt's original: pictures that browsers show safely as such, everything else as a download."""
    version = ObjectVersion(detail.bucket, detail.key, detail.etag, detail.size_bytes, detail.version_id)
    body, media_type = await asyncio.to_thread(context.originals(detail.bucket).open, version)
    shown = media_type if media_type in _SHOWN else "application/octet-stream"
    name = detail.key.rsplit("/", 1)[-1]
    kind = "inline" if shown in _SHOWN else "attachment"
    headers = {**_HEADERS, "Content-Disposition": f"{kind}; filename*=utf-8''{quote(name, safe='')}"}
    headers["Content-Length"] = str(detail.size_bytes)
    return StreamingResponse(_pieces(body), media_type=shown, headers=headers)


def _pieces(body: Any) -> Iterator[bytes]:
    with body:
        yield from body.iter_chunks(_PIECE_BYTES)


@router.get(
    "/receipts/{receipt_id}/annotated",
    summary="The read page with its fields boxed",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": _BINARY}}},
)
async def get_annotated(receipt_id: UUID, caller: Reader, context: Context) -> Response:
    """A JPEG of page 1, upright, with a labelled box around each field that was found."""
    detail = await read_detail(context, receipt_id, caller.owner)
    picture = await asyncio.to_thread(_annotated, context, detail)
    return Response(picture, media_type="image/jpeg", headers=_HEADERS)


def _annotated(context: GatewayContext, detail: ReceiptDetail) -> bytes:
    if not detail.extractions or detail.sha256 is None:
        raise RefusedError(404, "This receipt has not been read (yet), so there is nothing to box.")
    extraction = detail.extractions[-1]
    preview = context.results.get(preview_key(detail.sha256))
    words = context.results.get(extraction.words_key)
    if preview is None or words is None:
        raise RefusedError(404, "The reading's pictures are gone; retry the receipt to have them again.")
    try:
        page = DocumentText.model_validate_json(words).pages[0]
        fields = ReceiptFields.model_validate(extraction.fields)
    except (ValidationError, IndexError) as error:
        raise RefusedError(404, "The reading is of an older version; retry the receipt to have it again.") from error
    return annotated_picture(preview, (page.width, page.height), fields)
