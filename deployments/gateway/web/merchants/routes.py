"""What a merchant's name may be while it is typed, for the fields that suggest names."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from deployments.gateway.context import Context
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.visitor import Viewer
from flows.ledger.expenses import usual_values
from flows.reading.brands import suggest_merchants

router = APIRouter(include_in_schema=False)
_Code = Annotated[str, Query(max_length=3)]


@router.get("/merchants")
async def get_merchants(
    visitor: Viewer,
    context: Context,
    text: Annotated[str, Query(max_length=200)] = "",
    country: _Code = "",
    currency: _Code = "",
) -> Response:
    """Names that begin like the text, as JSON: the owner's own, then brands, those of the country first."""
    usual = await with_ledger(context, lambda session: usual_values(visitor.owner, session=session))
    where = {"country": country.upper() or None, "currency": currency.upper() or None}
    found = await asyncio.to_thread(suggest_merchants, text, usual.merchants, **where)
    return JSONResponse([{"name": one.name, "source": one.source} for one in found])
