"""Receipts: a list by state and name; one in full with picture, fields, steps and history; read again, delete."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.api.images import original
from deployments.gateway.api.receipt_actions import read_again, remove
from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.assets import PREFIX
from deployments.gateway.web.receipts.picture import NO_WORDS, read_pictures
from deployments.gateway.web.shown import ShownReceipt, with_expenses, with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingAdmin, ChangingReviewer, Fields, Viewer, reachable, safe_path
from flows.domain.pages import flow_run_page
from flows.ledger.decisions import history, review_item
from flows.ledger.receipts import counts_up_to, get_receipt, list_receipts
from flows.ledger.schema import State
from flows.pipeline.previews import preview_key

router = APIRouter(include_in_schema=False)
_PAGE = 50
_MOST_COUNTED = 1000
PageNumber = Annotated[int, Query(ge=1, le=1_000, description="Counted from 1.")]
# A picture belongs to one content for ever; the address is the receipt's, which a deletion may take away.
_PICTURE_HEADERS = {
    "Content-Security-Policy": "sandbox; default-src 'none'",
    "Cache-Control": "private, max-age=3600",
}


@router.get("/receipts")
async def get_receipts(  # noqa: PLR0917  # FastAPI passes them by name
    request: Request,
    visitor: Viewer,
    context: Context,
    state: str = "",
    q: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:
    """Newest first."""
    states = [State(state)] if state in set(State) else []

    def read(session: Session) -> dict[str, Any]:
        page = list_receipts(
            owner=visitor.owner, states=states, name=q.strip() or None, limit=_PAGE, after=after, session=session
        )
        rows = with_expenses(page.items, session=session)
        return {"rows": rows, "next": page.next, "counts": counts_up_to(_MOST_COUNTED, visitor.owner, session=session)}

    found = await with_ledger(context, read)
    return render(
        request, "receipts/list.html", state=state if states else "", most=_MOST_COUNTED, q=q, after=after, **found
    )


@router.get("/receipts/{receipt_id}")
async def get_one(request: Request, receipt_id: UUID, visitor: Viewer, context: Context) -> Response:
    """Everything about one receipt."""

    def read(session: Session) -> dict[str, Any]:
        item = review_item(receipt_id, session=session, owner=visitor.owner)
        shown = with_expenses([item.receipt], session=session)[0]
        return {"item": item, "shown": shown, "history": history(receipt_id, session=session, owner=visitor.owner)}

    found = await with_ledger(context, read)
    item = found["item"]
    steps, pictures = await asyncio.gather(
        context.orchestrator.steps(item.receipt.flow_run_id),
        asyncio.to_thread(read_pictures, context.results, item.words_key),
    )
    run_page = flow_run_page(reachable(request, context.settings.prefect_ui_url), item.receipt.flow_run_id)
    return render(request, "receipts/one.html", steps=steps, run_page=run_page, pictures=pictures, **found)


@router.get("/receipts/{receipt_id}/steps")
async def get_steps(request: Request, receipt_id: UUID, visitor: Viewer, context: Context) -> Response:
    """The steps alone, which the page asks for while the receipt is under way; at the end the page is loaded anew."""

    def read(session: Session) -> ShownReceipt:
        return with_expenses([get_receipt(receipt_id, session=session, owner=visitor.owner)], session=session)[0]

    shown = await with_ledger(context, read)
    if not shown.is_under_way:
        return Response(headers={"HX-Refresh": "true"})
    steps = await context.orchestrator.steps(shown.receipt.flow_run_id)
    run_page = flow_run_page(reachable(request, context.settings.prefect_ui_url), shown.receipt.flow_run_id)
    return render(request, "receipts/steps.html", shown=shown, steps=steps, run_page=run_page)


@router.get("/receipts/{receipt_id}/picture")
async def get_picture(receipt_id: UUID, visitor: Viewer, context: Context, page: PageNumber = 1) -> Response:
    """A page upright as JPEG, also of a HEIC or a PDF, as the reading made it."""
    receipt = await with_ledger(context, lambda session: get_receipt(receipt_id, session=session, owner=visitor.owner))
    key = preview_key(receipt.sha256, page) if receipt.sha256 else None
    preview = await asyncio.to_thread(context.results.get, key) if key else None
    if preview is None:
        raise RefusedError(404, "There is no picture (yet): it is made when the receipt is read.")
    return Response(preview, media_type="image/jpeg", headers=_PICTURE_HEADERS)


@router.get("/receipts/{receipt_id}/original")
async def get_original(receipt_id: UUID, visitor: Viewer, context: Context) -> Response:
    """The bytes as they were sent."""
    receipt = await with_ledger(context, lambda session: get_receipt(receipt_id, session=session, owner=visitor.owner))
    return await original(context, receipt)


@router.get("/receipts/{receipt_id}/words")
async def get_words(receipt_id: UUID, visitor: Viewer, context: Context, page: PageNumber = 1) -> Response:
    """The words of a page with their boxes as JSON, and the dates and amounts in them, for clicking on them."""
    item = await with_ledger(context, lambda session: review_item(receipt_id, session=session, owner=visitor.owner))
    pictures = await asyncio.to_thread(read_pictures, context.results, item.words_key)
    picture = next((one for one in pictures if one.number == page), None)
    body = await asyncio.to_thread(picture.words_json, item.read) if picture else json.dumps(NO_WORDS)
    return Response(body, media_type="application/json", headers={"Cache-Control": "private, max-age=600"})


@router.post("/receipts/{receipt_id}/retry")
async def retry(receipt_id: UUID, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """Read it again."""
    await read_again(context, receipt_id, visitor.owner, f"retried by {visitor.person.name} on the page")
    back = safe_path(PREFIX + fields.get("back", f"/receipts/{receipt_id}"))
    return go_to(back.removeprefix(PREFIX), "It is read again.")


@router.post("/receipts/{receipt_id}/delete")
async def delete(receipt_id: UUID, visitor: ChangingAdmin, context: Context) -> Response:
    """Delete it with everything that was made of it."""
    await remove(context, receipt_id, visitor.owner, f"deleted by {visitor.person.name} on the page")
    return go_to("/receipts", "The receipt is deleted, with its picture and its expense.")
