"""Rules: what was learned from corrections and what it did, those made by hand, switching one off and on again."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.api.rules import RuleId
from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import ChangingAdmin, Fields, Viewer
from flows.ledger.categories import list_categories
from flows.ledger.rules import list_rules, make_rule, remove_rule, switch_rule
from flows.ledger.schema import RuleKind

router = APIRouter(include_in_schema=False)


@router.get("/rules")
async def get_rules(request: Request, visitor: Viewer, context: Context) -> Response:
    """The newest first."""

    def read(session: Session) -> dict[str, Any]:
        return {
            "rules": list_rules(visitor.owner, session=session),
            "categories": list_categories(visitor.owner, session=session),
        }

    return render(request, "categories/rules.html", **await with_ledger(context, read))


@router.post("/rules")
async def make(visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """By hand: what a printed name means, or which category a merchant gets."""
    kind = fields.get("kind", "")
    if kind not in set(RuleKind):
        raise RefusedError(422, "kind: choose whether it names a merchant or chooses a category")
    printed, result, actor = fields.get("printed", ""), fields.get("result", ""), visitor.person.name
    await with_ledger(
        context,
        lambda session: make_rule(visitor.owner, printed, RuleKind(kind), result, actor, session=session),
    )
    return go_to("/rules", "The rule is made. It acts on later receipts.")


@router.post("/rules/{rule_id}/remove")
async def remove(rule_id: RuleId, visitor: ChangingAdmin, context: Context) -> Response:
    """One that was made by hand."""
    await with_ledger(context, lambda session: remove_rule(rule_id, owner=visitor.owner, session=session))
    return go_to("/rules", "The rule is removed.")


@router.post("/rules/{rule_id}/switch")
async def switch(rule_id: RuleId, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Off, or on again; what was read before stays as it is."""
    disabled, actor = fields.get("disabled") == "1", visitor.person.name
    await with_ledger(
        context, lambda session: switch_rule(rule_id, actor, owner=visitor.owner, disabled=disabled, session=session)
    )
    return go_to("/rules", "The rule is off." if disabled else "The rule is on.")
