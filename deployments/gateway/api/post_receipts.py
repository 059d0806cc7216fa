"""The route that accepts files."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response

from deployments.gateway.api.schemas import AcceptedReceipt, AcceptedReceipts
from deployments.gateway.context import Context
from deployments.gateway.http.archives import unpacked
from deployments.gateway.http.auth import Uploader
from deployments.gateway.http.problems import RESPONSES
from deployments.gateway.http.request_bodies import read_files, require_no_junk

router = APIRouter(tags=["receipts"], responses=RESPONSES)

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="Your name for this request: a repeat with it gets the answer of the first one.",
        examples=["b0c5a5c8-4f4f-4a55-9d2f-6f4a2b1c0d9e"],
    ),
]
Prefer = Annotated[str | None, Header(description="`wait=2` holds the answer up to 2 seconds for the flow run's id.")]
_LONGEST_WAIT_SECONDS = 10.0
_FILE = {"type": "string", "format": "binary"}
_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"file": {"type": "array", "items": _FILE}},
            }
        },
        "image/jpeg": {"schema": _FILE},
        "application/octet-stream": {"schema": _FILE},
    },
}


@router.post(
    "/receipts",
    status_code=202,
    response_model=AcceptedReceipt | AcceptedReceipts,
    responses={200: {"description": "All of it was there already.", "model": AcceptedReceipt | AcceptedReceipts}},
    openapi_extra={"requestBody": _BODY},
    summary="Upload receipts",
)
async def post_receipts(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    response: Response,
    caller: Uploader,
    context: Context,
    idempotency_key: IdempotencyKey = None,
    prefer: Prefer = None,
) -> AcceptedReceipt | AcceptedReceipts:
    """Send pictures or PDFs: one as the body itself, or one or many as multipart field `file`; also a ZIP of them.

    The answer comes as soon as they are stored and registered; they are read afterwards.
    """
    async with AsyncExitStack() as stack:
        sent = await read_files(request, context.settings, stack)
        require_no_junk((file.name for file in sent), context.metrics)
        files = await unpacked(sent, context.settings, stack)
        await context.rates.count_uploads(caller.key_id, len(files))
        wait = _wait_of(prefer, context.settings.submit_wait_seconds)
        accepted = await context.intake.accept(caller.owner, files, idempotency_key=idempotency_key, wait_seconds=wait)
    context.metrics.received.labels("api").inc(sum(not one.duplicate for one in accepted))
    answers = [AcceptedReceipt.of(one) for one in accepted]
    response.status_code = 200 if all(one.duplicate for one in answers) else 202
    response.headers["Location"] = answers[0].status_url
    return answers[0] if len(answers) == 1 else AcceptedReceipts(receipts=answers)


def _wait_of(prefer: str | None, default: float) -> float:
    found = re.search(r"(?:^|[,;\s])wait=(\d{1,4})", prefer or "")
    return min(float(found[1]), _LONGEST_WAIT_SECONDS) if found else default
