"""Handing in: the form, the files themselves, and the last receipts, which show what became of them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import JSONResponse, Response

from deployments.gateway.api.post_receipts import IdempotencyKey
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.archives import unpacked
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
async def get_hand_in(
    request: Request, visitor: Viewer, context: Context, shared: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """The form and the last receipts."""
    settings = context.settings
    most = {"most_files": settings.max_files, "most_bytes": settings.max_upload_bytes}
    return render(request, "hand_in/page.html", receipts=await _latest(context, visitor), shared=shared, **most)


@router.get("/hand-in/latest")
async def get_latest(request: Request, visitor: Viewer, context: Context) -> Response:
    """The last receipts alone, which the page asks for while some are under way."""
    return render(request, "hand_in/latest.html", receipts=await _latest(context, visitor))


@router.get("/hand-in/session")
async def get_session(visitor: Reviewer) -> Response:
    """Who is signed in, and what their forms carry: for what waited on a device while no page was loaded."""
    body = {"person": str(visitor.person.id), "name": visitor.person.name, "token": visitor.token}
    return JSONResponse(body, headers={"Cache-Control": "no-store"})


@router.post("/hand-in")
async def hand_in(
    request: Request, visitor: Reviewer, context: Context, idempotency_key: IdempotencyKey = None
) -> Response:
    """Take files in: for scripts with their receipts' ids, for plain forms with a page."""
    require_own_origin(request)
    received = await receive(request, context, visitor, idempotency_key, with_token=True)
    if "application/json" in request.headers.get("accept", ""):
        return JSONResponse({"receipts": received.receipts, "known": received.known}, 202)
    return go_to("/hand-in", received.words)


@dataclass(frozen=True, slots=True)
class Received:
    """What became of the files of one form. `known` of them were there already."""

    receipts: list[str]
    known: int

    @property
    def words(self) -> str:
        """For the next page."""
        count = len(self.receipts)
        words = "1 receipt is safe." if count == 1 else f"{count} receipts are safe."
        return f"{words} {self.known} of them were there already." if self.known else words


async def receive(
    request: Request,
    context: GatewayContext,
    visitor: Visitor,
    idempotency_key: str | None = None,
    *,
    with_token: bool = False,
) -> Received:
    """Take in the files of a form.

    Args:
        request: Whose body has them.
        context: The gateway's parts.
        visitor: For whose owner.
        idempotency_key: The browser's name for this request.
        with_token: Whether the form has to prove that it is from a page of this session.

    Raises:
        RefusedError: The body or a file of it cannot be taken, or the token is missing.
    """
    async with AsyncExitStack() as stack:
        sent, fields = await read_form(request, context.settings, stack)
        if with_token:
            require_token(request, visitor, fields)
        require_no_junk((file.name for file in sent), context.metrics)
        files = await unpacked(sent, context.settings, stack)
        await context.rates.count_uploads(visitor.session_id, len(files))
        accepted = await context.intake.accept(visitor.owner, files, idempotency_key=idempotency_key, wait_seconds=0)
    context.metrics.received.labels("page").inc(sum(not one.duplicate for one in accepted))
    return Received([str(one.receipt_id) for one in accepted], sum(one.duplicate for one in accepted))
