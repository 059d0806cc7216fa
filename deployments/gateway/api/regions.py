"""A piece of a receipt's picture read again, with what it may be for each field."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field, FiniteFloat

from deployments.gateway.api.decision_schemas import Wanted
from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Reviewer
from deployments.gateway.http.json_bodies import BoundedRoute
from deployments.gateway.http.problems import RESPONSES
from deployments.gateway.services.regions import read_region
from flows.domain.fields import BBox, Page, Word
from flows.ledger.decisions import ReviewItem, review_item
from flows.reading.parser import latest_day, values_by_field

router = APIRouter(tags=["review"], responses=RESPONSES, route_class=BoundedRoute)
_BOX = "Left, top, right, bottom in pixels of the upright page, as in `GET /receipts/<id>/words`."


class RegionRequest(Wanted):
    """A rectangle of a page."""

    page: int = Field(default=1, ge=1, le=1_000, description="Counted from 1.")
    bbox: Annotated[list[FiniteFloat], Field(min_length=4, max_length=4, description=_BOX)] = Field(
        examples=[[120, 840, 410, 880]]
    )


class RegionAnswer(Answer):
    """What stands there; nothing of the receipt is changed."""

    text: str = Field(description="All words in one line; empty where nothing was read.", examples=["SUMME 19,46"])
    words: list[Word]
    candidates: dict[str, list[str]] = Field(
        description="Values by field, as a correction takes them.", examples=[{"total": ["19.46"]}]
    )


@router.post("/receipts/{receipt_id}/region", summary="Read a part of the picture again")
async def post_region(receipt_id: UUID, wanted: RegionRequest, caller: Reviewer, context: Context) -> RegionAnswer:
    """By the engine that reads whole receipts, on a worker; it takes about a second."""
    return await answer(context, receipt_id, caller.owner, caller.key_id, wanted)


async def answer(
    context: GatewayContext, receipt_id: UUID, owner: str, who: UUID, wanted: RegionRequest
) -> RegionAnswer:
    """What stands in a rectangle of an owner's receipt; counted against the rate of the key or session `who`."""
    item = await asyncio.to_thread(_item, context, receipt_id, owner)
    await context.rates.count_region(who)
    bbox = BBox(*wanted.bbox)
    reading = await read_region(context.orchestrator, context.results, item.receipt, wanted.page, bbox)
    page = Page(number=wanted.page, width=0, height=0, words=reading.words)
    candidates = values_by_field(page, item.read, today=latest_day(dt.datetime.now(dt.UTC)))
    return RegionAnswer(text=reading.text, words=list(reading.words), candidates=candidates)


def _item(context: GatewayContext, receipt_id: UUID, owner: str) -> ReviewItem:
    with context.ledger.session() as session:
        return review_item(receipt_id, session=session, owner=owner)
