"""Exports: what a target is still to be told, its first expenses as it will see them, making one, and the files."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse
from pydantic import ValidationError

from deployments.gateway.api.exports import Days
from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.services.exports import archive_answer, files_answer, make_export, pictures_answer
from deployments.gateway.web.exports.servers import TITLES
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render, with_query
from deployments.gateway.web.visitor import ChangingReviewer, Fields, Viewer
from flows.exports import Exported, file_target, is_numbered, pending, preview, targets
from flows.ledger.exports import list_exports

router = APIRouter(include_in_schema=False)
_PERIOD = ("date_from", "date_to")


@router.get("/exports")
async def get_exports(request: Request, visitor: Viewer, context: Context) -> Response:
    """The targets, and the exports that were made, the last first."""
    made = await with_ledger(context, lambda session: list_exports(visitor.owner, session=session))
    known = targets()
    numbered = {name for name, one in known.items() if is_numbered(one)}
    year = dt.datetime.now(dt.UTC).year
    return render(request, "exports/list.html", targets=known, made=made, numbered=numbered, year=year, servers=TITLES)


@router.get("/exports/pictures")
async def get_pictures(request: Request, visitor: Viewer, context: Context) -> StreamingResponse:
    """The pictures of a period as a zip."""
    return pictures_answer(context, visitor.owner, _days(request.query_params).period)


@router.get("/exports/archive")
async def get_archive(visitor: Viewer, context: Context, year: Annotated[int, Query()]) -> StreamingResponse:
    """A year as a zip, for an accountant."""
    return archive_answer(context, visitor.owner, year)


@router.get("/exports/{target}")
async def get_target(request: Request, target: str, visitor: Viewer, context: Context) -> Response:
    """What the next export will tell this target, and the first expenses as it will see them."""
    days, known = _days(request.query_params), file_target(target)
    period = days.period
    count = partial(pending, context.ledger, visitor.owner, target, period=period)
    show = partial(preview, context.ledger, visitor.owner, target, period=period)
    waiting, (files, _) = await asyncio.to_thread(count), await asyncio.to_thread(show)
    made = await with_ledger(context, lambda session: list_exports(visitor.owner, target, session=session))
    shown: dict[str, Any] = {"target": known, "is_numbered": is_numbered(known), "made": made}
    return render(request, "exports/one.html", query=_query(days), pending=waiting, files=files, **shown)


@router.post("/exports/{target}")
async def make(target: str, visitor: ChangingReviewer, context: Context, fields: Fields) -> Response:
    """Make the next export."""
    days, leave_out = _days(fields), fields.get("leave_out") == "1"
    work = partial(make_export, leave_out=leave_out)
    made = await asyncio.to_thread(work, context, visitor.owner, target, days.period)
    return go_to(f"/exports/{target}{with_query(_query(days))}", _told(made))


@router.get("/exports/{target}/files")
async def get_files(
    request: Request,
    target: str,
    visitor: Viewer,
    context: Context,
    number: Annotated[int | None, Query(ge=1, lt=2**31)] = None,
) -> StreamingResponse:
    """Those of an export, or, of a target that is written whole, of everything as it is now."""
    return await files_answer(context, visitor.owner, target, _days(request.query_params).period, number)


def _days(given: Mapping[str, str]) -> Days:
    said = {name: given[name].strip() for name in _PERIOD if given.get(name, "").strip()}
    try:
        return Days.model_validate(said)
    except ValidationError as error:
        wrong = "; ".join(f"{entry['loc'][-1]}: {entry['msg']}" for entry in error.errors())
        raise RefusedError(422, wrong) from error


def _query(days: Days) -> dict[str, str]:
    return {name: str(day) for name, day in days.model_dump().items() if day}


def _told(made: Exported) -> str:
    if not (made.new or made.changed or made.voided):
        return "Nothing is new, changed or voided since the last export; none was made."
    what = f"{made.new} new, {made.changed} changed, {made.voided} voided"
    left_out = f", {made.refused} left out" if made.refused else ""
    return f"Export {made.number} is made: {what}{left_out}."
