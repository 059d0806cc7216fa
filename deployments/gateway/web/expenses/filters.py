"""Filters of the list of expenses that a person keeps under names."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode
from uuid import UUID

from fastapi import APIRouter
from fastapi.responses import Response
from starlette.datastructures import QueryParams

from deployments.gateway.context import Context
from deployments.gateway.web.expenses import forms
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to
from deployments.gateway.web.visitor import ChangingViewer, Fields
from flows.ledger.access import delete_filter, save_filter

router = APIRouter(include_in_schema=False)


@router.post("/expenses/filters")
async def keep(visitor: ChangingViewer, context: Context, fields: Fields) -> Response:
    """Keep what is shown under a name; only what filters the list is kept."""
    _, said = forms.filter_of(QueryParams(parse_qsl(fields.get("query", "")[:2_000])))
    query, name = urlencode(said), fields.get("name", "")
    await with_ledger(context, lambda session: save_filter(visitor.person.id, name, query, session=session))
    return go_to(f"/expenses?{query}", "The filter is kept.")


@router.post("/expenses/filters/{filter_id}/delete")
async def delete(filter_id: UUID, visitor: ChangingViewer, context: Context) -> Response:
    """Keep it no longer."""
    await with_ledger(context, lambda session: delete_filter(filter_id, visitor.person.id, session=session))
    return go_to("/expenses", "The filter is deleted.")
