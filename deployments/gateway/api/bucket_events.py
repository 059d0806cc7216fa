"""Routes that object stores call when an object was created. They are off until a shared secret is set."""

from __future__ import annotations

import hmac
import logging
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import address_of
from deployments.gateway.http.problems import RESPONSES, RefusedError
from deployments.ingest.bucket_events import MalformedEventError, read_events
from flows.domain.junk_files import is_junk_file

router = APIRouter(prefix="/events", tags=["bucket events"], responses=RESPONSES)
_log = logging.getLogger("receiptflow.events")
_LARGEST_EVENT_BYTES = 1_000_000


@router.post("/{store}", status_code=204, response_class=Response, summary="An object was created")
async def receive_event(
    store: str, request: Request, context: Context, authorization: Annotated[str, Header()] = ""
) -> None:
    """For SeaweedFS's filer webhook, MinIO's webhook and others that post S3's event notifications.

    The shared secret comes as `Authorization: Bearer <secret>`; `store` is any name, for the log.
    """
    await _require_secret(context, address_of(request), authorization)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_EVENT_BYTES:
            raise RefusedError(413, "An event has at most 1 MB.")
    try:
        events = read_events(body)
    except MalformedEventError as error:
        # 4xx, so that the store does not send it again and again: it stays malformed.
        raise RefusedError(422, str(error)) from error
    for event in events:
        if context.intake.stores(event.key):
            continue
        if is_junk_file(event.key):
            context.metrics.skipped.labels("event").inc()
        receipt_id = await context.receiver.receive(event)
        context.metrics.received.labels("event").inc()
        _log.info("event from %s", store, extra={"receipt_id": str(receipt_id)})


async def _require_secret(context: GatewayContext, address: str, authorization: str) -> None:
    secret = context.settings.events_token
    if secret is None:
        raise RefusedError(404, "Bucket events are off: set RECEIPTFLOW_EVENTS_TOKEN.")
    # MinIO sends its token as it is written in its settings, with or without "Bearer".
    given = authorization.removeprefix("Bearer ").encode()
    if not hmac.compare_digest(given, secret.get_secret_value().encode()):
        await context.rates.check_stranger(address)
        await context.rates.count_refusal(address)
        raise RefusedError(401, "The shared secret of bucket events is wrong.", {"WWW-Authenticate": "Bearer"})
