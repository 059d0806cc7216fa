"""Review: the queue, one receipt with all that a decision needs, the decisions, and the next one right after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response
from sqlmodel import Session

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.assets import PREFIX
from deployments.gateway.web.receipts.picture import read_pictures
from deployments.gateway.web.review import forms
from deployments.gateway.web.review.candidates import with_usual
from deployments.gateway.web.review.joining import possible_pages
from deployments.gateway.web.shown import ShownReceipt, with_expenses, with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingReviewer, Fields, Reviewer, Visitor
from flows.domain.errors import ReceiptflowError, TransientError
from flows.flow_runs.reviewing import reviewed
from flows.ledger.decisions import (
    Book,
    Decided,
    Decision,
    Dismiss,
    SamePurchaseError,
    Split,
    Undo,
    decide,
    review_item,
    review_queue,
)
from flows.ledger.expenses import usual_values
from flows.ledger.pagination import write_cursor
from flows.ledger.receipts import counts_up_to, get_receipt
from flows.ledger.schema import DismissReason, State
from flows.ledger.views import ReceiptView

router = APIRouter(include_in_schema=False)
_PAGE = 50
_MOST_COUNTED = 1000
_MOST_AT_ONCE = 200
_MOST_NAMES = 30  # offered to browsers without scripts


@router.get("/review")
async def get_queue(
    request: Request, visitor: Reviewer, context: Context, after: Annotated[str | None, Query(max_length=300)] = None
) -> Response:
    """What waits, oldest first; to begin with it, or to decide on many at once."""

    def look(session: Session) -> dict[str, Any]:
        queue = review_queue(owner=visitor.owner, after=after, limit=_PAGE, session=session)
        counts = counts_up_to(_MOST_COUNTED, visitor.owner, session=session)
        return {"queue": queue, "reading": counts[State.WAITING] + counts[State.RUNNING]}

    found = await with_ledger(context, look)
    return render(request, "review/queue.html", **found, after=after, last=request.query_params.get("last"))


@router.get("/review/next")
async def get_next(visitor: Reviewer, context: Context, after: UUID | None = None, last: str = "") -> Response:
    """On to the first receipt that waits behind another one; from the end to the front again."""
    following = await with_ledger(context, lambda session: _following(after, visitor.owner, session))
    place = f"/review/{following}" if following else "/review"
    return RedirectResponse(f"{PREFIX}{place}{_last(last)}", 303)


def _last(receipt_id: str) -> str:
    try:
        return f"?last={UUID(receipt_id)}"
    except ValueError:
        return ""


def _following(after: UUID | None, owner: str, session: Session) -> UUID | None:
    if after is not None:
        receipt = get_receipt(after, session=session, owner=owner)
        behind = review_queue(owner=owner, after=_cursor(receipt), limit=1, session=session)
        if behind.items:
            return behind.items[0].id
    front = review_queue(owner=owner, limit=2, session=session)
    return next((one.id for one in front.items if one.id != after), None)


def _cursor(receipt: ReceiptView) -> str:
    return write_cursor(receipt.received_at, receipt.id)


@router.get("/review/{receipt_id}")
async def get_item(
    request: Request, receipt_id: UUID, visitor: Reviewer, context: Context, same: UUID | None = None
) -> Response:
    """One receipt to decide on, beside the one that it seems to repeat."""

    def read(session: Session) -> dict[str, Any]:
        item = review_item(receipt_id, session=session, owner=visitor.owner)
        like = item.same_purchase or (get_receipt(same, session=session, owner=visitor.owner) if same else None)
        other = with_expenses([like], session=session)[0] if like else None
        following = _following(receipt_id, visitor.owner, session)
        usual, near = usual_values(visitor.owner, session=session), possible_pages(item, session=session)
        return {"item": item, "other": other, "following": following, "near": near, "usual": usual}

    found = await with_ledger(context, read)
    item = found["item"]
    pictures = await asyncio.to_thread(read_pictures, context.results, item.words_key)
    usual = found.pop("usual")
    shown: dict[str, Any] = {
        "main": with_usual(forms.main_fields(item), usual),
        "names": usual.merchants[:_MOST_NAMES],
        "country": item.read.country.value if item.read and item.read.country else "",
        "others": forms.other_fields(item),
        "doubtful": forms.doubtful(item),
    }
    return render(
        request,
        "review/item.html",
        pictures=pictures,
        as_text=forms.as_text,
        part_fields=forms.PART_FIELDS,
        last=request.query_params.get("last"),
        **shown,
        **found,
    )


@router.post("/review/{receipt_id}/checks")
async def check(
    request: Request, receipt_id: UUID, visitor: ChangingReviewer, context: Context, fields: Fields
) -> Response:
    """The checks over what is typed; nothing is written."""
    item = await with_ledger(context, lambda session: review_item(receipt_id, session=session, owner=visitor.owner))
    checks, problems = forms.checks_of(item, fields)
    return render(request, "review/checks.html", checks=checks, problems=problems)


@router.post("/review/{receipt_id}/book")
async def book(
    request: Request, receipt_id: UUID, visitor: ChangingReviewer, context: Context, fields: Fields
) -> Response:
    """It is an expense, with what the form says."""

    def write(session: Session) -> Decided:
        item = review_item(receipt_id, session=session, owner=visitor.owner)
        decision = Book(forms.changed(item, fields), keep_both=fields.get("keep_both") == "1")
        return _decide(receipt_id, decision, visitor, fields, session)

    try:
        decided = await _reviewed(context, visitor, write)
    except SamePurchaseError as same:
        return await _ask_which(request, context, visitor, same, fields)
    booked = next((one for one in decided.expenses if one.voided_at is None), None)
    words = f"{booked.merchant or '–'}, {booked.total} {booked.currency or ''}".strip() if booked else ""
    return _onwards(receipt_id, f"Booked: {words}")


async def _ask_which(
    request: Request, context: GatewayContext, visitor: Visitor, same: SamePurchaseError, fields: dict[str, str]
) -> Response:
    """With what was given it seems to be another one's purchase: whether to keep both, above what was typed."""
    if not request.headers.get("hx-request"):
        return go_to(f"/review/{same.receipt_id}?same={same.other_id}", str(same))

    def read(session: Session) -> ShownReceipt:
        return with_expenses([get_receipt(same.other_id, session=session, owner=visitor.owner)], session=session)[0]

    other = await with_ledger(context, read)
    seen = fields.get("seen", "")
    return render(request, "review/same.html", 409, other=other, receipt_id=same.receipt_id, seen=seen)


@router.post("/review/{receipt_id}/dismiss")
async def dismiss(receipt_id: UUID, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """It is no expense."""
    decision = _dismissal(fields)
    await _reviewed(context, visitor, lambda session: _decide(receipt_id, decision, visitor, fields, session))
    return _onwards(receipt_id, "Dismissed.")


def _dismissal(fields: dict[str, str]) -> Dismiss:
    try:
        other = fields.get("duplicate_of", "")
        return Dismiss(DismissReason(fields.get("reason", "")), UUID(other) if other else None)
    except ValueError as error:
        known = ", ".join(DismissReason)
        raise RefusedError(422, f"reason: choose one of {known}; duplicate_of: a receipt's id") from error


@router.post("/review/{receipt_id}/split")
async def split(receipt_id: UUID, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """It is several receipts on one picture."""
    decision = Split(forms.parts_of(fields))
    decided = await _reviewed(context, visitor, lambda session: _decide(receipt_id, decision, visitor, fields, session))
    return _onwards(receipt_id, f"Booked as {len(decided.expenses)} expenses.")


@router.post("/review/{receipt_id}/undo")
async def undo(receipt_id: UUID, visitor: ChangingReviewer, context: Context) -> Response:
    """The last decision was wrong: back to it."""
    await _reviewed(context, visitor, lambda session: _decide(receipt_id, Undo(), visitor, {}, session))
    return go_to(f"/review/{receipt_id}", "Taken back: it waits again.")


@router.post("/review/bulk")
async def bulk(
    visitor: ChangingReviewer,
    context: Context,
    fields: Fields,
    chosen: Annotated[list[UUID], Form(alias="receipt", max_length=_MOST_AT_ONCE)] = [],  # noqa: B006  # never written
) -> Response:
    """The same decision on many, each by itself: one that is refused keeps none of the others."""
    what = fields.get("decision", "")
    decision: Decision = Book() if what == "book" else _dismissal({"reason": what})
    done, refused = 0, []
    for receipt_id in chosen:
        try:
            await _one_of_many(context, receipt_id, decision, visitor)
            done += 1
        except TransientError:
            raise
        except ReceiptflowError as error:
            refused.append(str(error))
    words = f"{done} of {len(chosen)} done."
    return go_to("/review", f"{words} Not done: {'; '.join(refused[:3])}" if refused else words)


async def _one_of_many(context: GatewayContext, receipt_id: UUID, decision: Decision, visitor: Visitor) -> None:
    await _reviewed(context, visitor, lambda session: _decide(receipt_id, decision, visitor, {}, session))


def _decide(
    receipt_id: UUID, decision: Decision, visitor: Visitor, fields: dict[str, str], session: Session
) -> Decided:
    seen = forms.seen_at(fields)
    return decide(receipt_id, decision, visitor.actor, seen=seen, owner=visitor.owner, session=session)


async def _reviewed(context: GatewayContext, visitor: Visitor, work: Callable[[Session], Decided]) -> Decided:
    """Decide in a transaction of its own, then say so to Prefect."""
    return await asyncio.to_thread(reviewed, context.ledger, visitor.actor, work)


def _onwards(receipt_id: UUID, said: str) -> Response:
    return go_to(f"/review/next?after={receipt_id}&last={receipt_id}", said)
