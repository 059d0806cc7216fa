"""Routes of uploads that bypass the gateway: a presigned POST to the bucket, and what became of it."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from deployments.gateway.api.receipt_status import LONGEST_WAIT_SECONDS
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Reader, Uploader, address_of
from deployments.gateway.http.problems import RESPONSES, RefusedError
from deployments.gateway.http.request_bodies import require_no_junk
from deployments.gateway.services.intake import make_key
from deployments.ingest.bucket_events import ObjectCreated
from deployments.settings import is_loopback
from flows.ledger.receipts import NewUpload, UploadView, find_upload, open_upload, reserve

router = APIRouter(prefix="/uploads", tags=["uploads"], responses=RESPONSES)
_POLL_SECONDS = 0.5
_FORM_BYTES = 20_000  # the policy and the other fields beside the file

MediaType = Literal[
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/heic",
    "image/heif",
    "image/tiff",
    "image/avif",
    "image/gif",
    "image/jp2",
    "application/pdf",
    "text/html",
    "text/plain",
    "application/xml",
]


class UploadRequest(BaseModel):
    """A file that is to come."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(default="receipt", max_length=500, examples=["lunch.jpg"])
    media_type: MediaType = Field(examples=["image/jpeg"])


class PresignedUpload(BaseModel):
    """How to send the file: a multipart POST to `url` with all `fields`, and the file last as field `file`."""

    upload_id: UUID
    url: str = Field(examples=["https://s3.example/inbox"])
    fields: dict[str, str] = Field(examples=[{"key": "acme/2026-11/4f1c…-lunch.jpg", "policy": "…"}])
    max_bytes: int = Field(examples=[25_000_000])
    expires_at: dt.datetime
    status_url: str


class UploadStatus(BaseModel):
    """Whether the file has come."""

    upload_id: UUID
    received: bool
    receipt_id: UUID | None = Field(description="Its receipt, as soon as it has come.")
    status_url: str | None = Field(description="The receipt's address.")
    expires_at: dt.datetime | None


@router.post("", status_code=201, summary="Ask for a presigned upload")
async def post_upload(request: Request, wanted: UploadRequest, caller: Uploader, context: Context) -> PresignedUpload:
    """For phones and large batches. It takes one file of this type and size, for some minutes."""
    require_no_junk([wanted.name], context.metrics)
    await context.rates.count_uploads(caller.key_id, 1)
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(minutes=context.settings.upload_minutes)
    key = make_key(caller.owner, wanted.name)
    new = NewUpload(caller.owner, context.inbox.bucket, key, wanted.media_type, expires_at=expires)
    place = await asyncio.to_thread(_reserve, context, new)
    signed = await asyncio.to_thread(_presign, context, place)
    return PresignedUpload(
        upload_id=place.id,
        url=str(request.url_for("post_file", upload_id=place.id)) if _is_hidden(request, context) else signed["url"],
        fields=signed["fields"],
        max_bytes=context.settings.max_upload_bytes,
        expires_at=expires,
        status_url=f"/uploads/{place.id}",
    )


def _is_hidden(request: Request, context: GatewayContext) -> bool:
    """Whether the caller comes from elsewhere, and the store listens on this machine only."""
    settings = context.settings
    store = settings.s3_public_url or settings.s3_endpoint_url or ""
    return is_loopback(urlsplit(store).hostname or "") and not is_loopback(request.url.hostname or "")


@router.post("/{upload_id}/file", status_code=204, include_in_schema=False)
async def post_file(request: Request, upload_id: UUID, context: Context) -> Response:
    """Pass a presigned upload on to a store that only this machine reaches; its signed policy is what lets it in.

    The address is as secret as the policy: it holds the upload's id, and works until the upload has come or expired.
    """
    await context.rates.check_stranger(address_of(request))
    place = await asyncio.to_thread(_find_open, context, upload_id)
    if place is None:
        await context.rates.count_refusal(address_of(request))
        raise RefusedError(404, "There is no such upload, it has come already, or its time is over: ask for another.")
    declared = request.headers.get("content-length", "")
    if not declared.isdigit():
        raise RefusedError(411, "Say how long the body is (Content-Length).")
    if int(declared) > context.settings.max_upload_bytes + _FORM_BYTES:
        raise RefusedError(413, f"A file may have at most {context.settings.max_upload_bytes} bytes.")
    media_type = request.headers.get("content-type", "")
    status, body = await context.store.pass_on(request.stream(), media_type, int(declared))
    return Response(body, status, media_type="application/xml" if body else None)


def _find_open(context: GatewayContext, upload_id: UUID) -> UploadView | None:
    with context.ledger.session() as session:
        return open_upload(upload_id, session=session)


def _reserve(context: GatewayContext, new: NewUpload) -> UploadView:
    with context.ledger.session() as session:
        return reserve([new], session=session)[0]


def _presign(context: GatewayContext, place: UploadView) -> dict[str, dict[str, str] | str]:
    signed: dict[str, dict[str, str] | str] = context.public_s3.generate_presigned_post(
        place.bucket,
        place.key,
        Fields={"Content-Type": place.media_type},
        # Whatever is not named here, a store refuses: other fields, other types, other sizes, other keys.
        Conditions=[
            {"Content-Type": place.media_type},
            ["content-length-range", 1, context.settings.max_upload_bytes],
        ],
        ExpiresIn=context.settings.upload_minutes * 60,
    )
    return signed


@router.get("/{upload_id}", summary="Has the file come?")
async def get_upload(
    upload_id: UUID,
    caller: Reader,
    context: Context,
    wait: Annotated[int, Query(ge=0, le=LONGEST_WAIT_SECONDS, description="Wait so many seconds for it.")] = 0,
) -> UploadStatus:
    """Asking is a hint like an event: a file that has come is received now."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait
    while True:
        place = await asyncio.to_thread(_find, context, upload_id, caller.owner)
        receipt_id = place.receipt_id or await context.receiver.receive(ObjectCreated(place.bucket, place.key))
        if receipt_id is not None or loop.time() >= deadline:
            return UploadStatus(
                upload_id=place.id,
                received=receipt_id is not None,
                receipt_id=receipt_id,
                status_url=f"/receipts/{receipt_id}" if receipt_id else None,
                expires_at=place.expires_at,
            )
        await asyncio.sleep(_POLL_SECONDS)


def _find(context: GatewayContext, upload_id: UUID, owner: str) -> UploadView:
    with context.ledger.session() as session:
        return find_upload(upload_id, owner, session=session)
