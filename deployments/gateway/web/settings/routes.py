"""What an owner has set: the own currency, which everything is converted to, and the first day of the year."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from deployments.gateway.context import Context
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingAdmin, Fields, Viewer
from flows.ledger.owner_settings import change_settings, settings_of

router = APIRouter(include_in_schema=False)


@router.get("/settings")
async def get_settings(request: Request, visitor: Viewer, context: Context) -> Response:
    """The defaults where nothing was set."""
    found = await with_ledger(context, lambda session: settings_of(visitor.owner, session=session))
    return render(request, "settings/page.html", settings=found)


@router.post("/settings")
async def change(visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Change what the form has; another currency converts every expense anew, by the rates that are kept."""
    currency, year_starts = fields.get("home_currency"), fields.get("year_starts")
    await with_ledger(
        context,
        lambda session: change_settings(
            visitor.owner, session=session, home_currency=currency, year_starts=year_starts
        ),
    )
    return go_to("/settings", "Changed.")
