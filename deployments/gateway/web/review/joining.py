"""Several pictures of one receipt: chosen in review beside the first of them, or in the list of receipts."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Form
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.review import forms
from deployments.gateway.web.templates import go_to
from deployments.gateway.web.visitor import ChangingReviewer, Fields, Visitor
from flows.flow_runs.reviewing import reviewed
from flows.ledger.decisions import MOST_PAGES, Decided, Join, ReviewItem, decide
from flows.ledger.receipts import get_receipt, list_receipts
from flows.ledger.schema import State
from flows.ledger.views import ReceiptView
from flows.pipeline.joining import read_together

router = APIRouter(include_in_schema=False)
_SHOWN = 8
# Pages of one receipt are handed in together.
_NEAR = dt.timedelta(hours=12)
_STATES = (State.REVIEW, State.EXPENSED, State.QUARANTINED)
Chosen = Annotated[list[UUID], Form(alias="page", max_length=MOST_PAGES)]


def possible_pages(item: ReviewItem, *, session: Session) -> list[ReceiptView]:
    """The receipts that came nearest to this one, which may be further pages of it; the nearest first."""
    mine, moment = item.receipt, item.receipt.received_at
    found = list_receipts(
        owner=mine.owner,
        states=_STATES,
        received_from=moment - _NEAR,
        received_to=moment + _NEAR,
        limit=MOST_PAGES,
        session=session,
    )
    others = [one for one in found.items if one.id != mine.id and one.content_id is not None]
    return sorted(others, key=lambda one: abs(one.received_at - moment))[:_SHOWN]


@router.post("/review/{receipt_id}/join")
async def join(
    receipt_id: UUID,
    visitor: ChangingReviewer,
    context: Context,
    fields: Fields,
    chosen: Chosen = [],  # noqa: B006  # never written
) -> Response:
    """The chosen ones are further pages of this receipt."""
    if not chosen:
        raise RefusedError(422, "pages: choose the receipts that are further pages of this one")
    said = await asyncio.to_thread(_join, context, visitor, receipt_id, chosen, forms.seen_at(fields))
    return go_to(f"/review/next?after={receipt_id}&last={receipt_id}", said)


@router.post("/receipts/join")
async def join_chosen(
    visitor: ChangingReviewer,
    context: Context,
    chosen: Chosen = [],  # noqa: B006  # never written
) -> Response:
    """The chosen ones are pages of one receipt, in the order in which they were received."""
    if len(chosen) < 2:
        raise RefusedError(422, "pages: choose two or more receipts, the pages of one")
    ordered = await asyncio.to_thread(_by_arrival, context, visitor, chosen)
    said = await asyncio.to_thread(_join, context, visitor, ordered[0], ordered[1:], None)
    return go_to(f"/receipts/{ordered[0]}", said)


def _by_arrival(context: GatewayContext, visitor: Visitor, chosen: Sequence[UUID]) -> list[UUID]:
    with context.ledger.session() as session:
        receipts = [get_receipt(one, session=session, owner=visitor.owner) for one in dict.fromkeys(chosen)]
    return [one.id for one in sorted(receipts, key=lambda one: (one.received_at, one.id))]


def _join(
    context: GatewayContext, visitor: Visitor, first: UUID, pages: Sequence[UUID], seen: dt.datetime | None
) -> str:
    def work(session: Session) -> Decided:
        together = read_together(first, Join(pages), context.results, owner=visitor.owner, session=session)
        return decide(first, together, visitor.actor, seen=seen, owner=visitor.owner, session=session)

    decided = reviewed(context.ledger, visitor.actor, work)
    booked = next(one for one in decided.expenses if one.voided_at is None)
    return f"Booked with {len(pages)} further pages: {booked.merchant or '–'}, {booked.total} {booked.currency or ''}"
