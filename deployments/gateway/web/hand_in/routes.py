"""Handing in: the form, the files themselves, and the last receipts, which show what became of them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from deployments.gateway.context import Context
from deployments.gateway.http.request_bodies import read_form, require_no_junk
from deployments.gateway.web.shown import ShownReceipt, with_expenses, with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import Reviewer, Viewer, Visitor, require_own_origin, require_token
from flows.ledger.receipts import list_receipts

router = APIRouter(include_in_schema=False)
_LAST = 20


async def _latest(context: Context, visitor: Visitor) -> list[ShownReceipt]:
    def read(session: Any) -> list[ShownReceipt]:
        page = list_receipts(owner=visitor.owner, limit=_LAST, session=session)
        return with_expenses(page.items, session=session)

    return await with_ledger(context, read)


@router.get("/hand-in")
async def get_hand_in(request: Request, visitor: Viewer, context: Context) -> Response:
    """The form and the last receipts."""
    settings = context.settings
    most = {"most_files": settings.max_files, "most_bytes": settings.max_upload_bytes}
    return render(request, "hand_in/page.html", receipts=await _latest(context, visitor), **most)


@router.get("/hand-in/latest")
async def get_latest(request: Request, visitor: Viewer, context: Context) -> Response:
    """The last receipts alone, which the page asks for while some are under way."""
    return render(request, "hand_in/latest.html", receipts=await _latest(context, visitor))


@router.post("/hand-in")
async def hand_in(request: Request, visitor: Reviewer, context: Context) -> Response:
    """Take files in: for scripts with their receipts' ids, for plain forms with a page."""
    require_own_origin(request)
    async with AsyncExitStack() as stack:
        files, fields = await read_form(request, context.settings, stack)
        require_token(request, visitor, fields)
        require_no_junk((file.name for file in files), context.metrics)
        await context.rates.count_uploads(visitor.session_id, len(files))
        accepted = await context.intake.accept(visitor.owner, files, idempotency_key=None, wait_seconds=0)
    context.metrics.received.labels("page").inc(sum(not one.duplicate for one in accepted))
    known = sum(one.duplicate for one in accepted)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"receipts": [str(one.receipt_id) for one in accepted], "known": known}, 202)
    return go_to("/hand-in", _words(len(accepted), known))


def _words(accepted: int, known: int) -> str:
    words = "1 receipt is safe." if accepted == 1 else f"{accepted} receipts are safe."
    return f"{words} {known} of them were there already." if known else words
