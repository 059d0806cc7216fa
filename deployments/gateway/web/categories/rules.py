"""Rules: what was learned from corrections, what it did, and switching it off and on again."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from deployments.gateway.context import Context
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingAdmin, Fields, Viewer
from flows.ledger.rules import list_rules, switch_rule

router = APIRouter(include_in_schema=False)


@router.get("/rules")
async def get_rules(request: Request, visitor: Viewer, context: Context) -> Response:
    """The newest first."""
    rules = await with_ledger(context, lambda session: list_rules(visitor.owner, session=session))
    return render(request, "categories/rules.html", rules=rules)


@router.post("/rules/{rule_id}/switch")
async def switch(rule_id: int, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Off, or on again; what was read before stays as it is."""
    disabled, actor = fields.get("disabled") == "1", visitor.person.name
    await with_ledger(
        context, lambda session: switch_rule(rule_id, actor, owner=visitor.owner, disabled=disabled, session=session)
    )
    return go_to("/rules", "The rule is off." if disabled else "The rule is on.")
