"""A part of the picture read again: drawn with the mouse or a finger, or named in per cent without scripts."""

from __future__ import annotations

import asyncio
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import ValidationError

from deployments.gateway.api.regions import RegionRequest, answer
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.receipts.picture import read_pictures
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to
from deployments.gateway.web.visitor import ChangingReviewer, Fields
from flows.ledger.decisions import review_item

router = APIRouter(include_in_schema=False)
SIDES = ("left", "top", "right", "bottom")


@router.post("/review/{receipt_id}/region")
async def region(
    request: Request, receipt_id: UUID, visitor: ChangingReviewer, context: Context, fields: Fields
) -> Response:
    """What stands there: as JSON with the value for a field, or in words above the receipt."""
    sides, page = [_number(fields, side) for side in SIDES], _number(fields, "page", "1")
    if fields.get("unit") == "percent":
        wide, high = await _size(context, receipt_id, visitor.owner, page)
        sides = [sides[0] * wide / 100, sides[1] * high / 100, sides[2] * wide / 100, sides[3] * high / 100]
    read = await answer(context, receipt_id, visitor.owner, visitor.session_id, _wanted(page, sides))
    if "application/json" in request.headers.get("accept", ""):
        value = next(iter(read.candidates.get(fields.get("field", ""), [read.text])), "")
        return JSONResponse({"text": read.text, "value": value})
    found = "; ".join(dict.fromkeys(value for values in read.candidates.values() for value in values))
    said = f"Read there: {found or read.text}" if read.text else "Nothing was read there. Choose a larger part."
    return go_to(f"/review/{receipt_id}", said)


def _number(fields: dict[str, str], name: str, default: str = "") -> float:
    try:
        return float(fields.get(name, default))
    except ValueError as error:
        raise RefusedError(422, f"{name}: give a number; all four sides are needed") from error


def _wanted(page: float, sides: list[float]) -> RegionRequest:
    try:
        return RegionRequest.model_validate({"page": page, "bbox": sides})
    except ValidationError as error:
        raise RefusedError(422, "page, left, top, right and bottom: give numbers of a part of a page") from error


async def _size(context: GatewayContext, receipt_id: UUID, owner: str, page: float) -> tuple[int, int]:
    item = await with_ledger(context, lambda session: review_item(receipt_id, session=session, owner=owner))
    pictures = await asyncio.to_thread(read_pictures, context.results, item.words_key)
    if not pictures:
        raise RefusedError(409, "This receipt was not read yet; read it again first.")
    for picture in pictures:
        if picture.number == page:
            return picture.width, picture.height
    count = len(pictures)
    raise RefusedError(422, f"page: this receipt has {count}")
