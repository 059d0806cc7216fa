"""Webhooks: made with a secret that is shown once, their deliveries, delivered once more, deleted; for admins."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import go_to, render
from deployments.gateway.web.visitor import Admin, ChangingAdmin, Fields
from flows.ledger.notifications import (
    create_webhook,
    delete_webhook,
    find_deliveries,
    get_webhook,
    list_webhooks,
    replay_delivery,
)
from flows.ledger.schema import NotificationKind
from flows.notifications import DeliveryFailedError, TargetRefusedError, require_allowed

router = APIRouter(include_in_schema=False)
_LONGEST_URL, _PAGE = 2000, 50


@router.get("/webhooks")
async def get_webhooks(request: Request, visitor: Admin, context: Context) -> Response:
    """This owner's webhooks."""
    hooks = await with_ledger(context, lambda session: list_webhooks(visitor.owner, session=session))
    return render(request, "webhooks/list.html", hooks=hooks, kinds=list(NotificationKind))


@router.post("/webhooks")
async def create(request: Request, visitor: ChangingAdmin, context: Context, fields: Fields) -> Response:
    """Make one for everything that there is to tell, and show its secret, once."""
    url = fields.get("url", "").strip()
    if not 0 < len(url) <= _LONGEST_URL:
        raise RefusedError(422, f"url: give an address of at most {_LONGEST_URL} characters")
    try:
        await require_allowed(url, allow_private=context.settings.webhooks_allow_private)
    except (TargetRefusedError, DeliveryFailedError) as error:
        raise RefusedError(422, f"url: {error}") from error
    kinds = [kind for kind in NotificationKind if fields.get(f"kind-{kind.value}")] or list(NotificationKind)
    made = await with_ledger(context, lambda session: create_webhook(visitor.owner, url, kinds, session=session))
    return render(request, "webhooks/made.html", hook=made)


@router.get("/webhooks/{webhook_id}")
async def get_one(
    request: Request,
    webhook_id: UUID,
    visitor: Admin,
    context: Context,
    after: Annotated[str | None, Query(max_length=300)] = None,
) -> Response:
    """What was delivered to one."""

    def read(session: Session) -> dict[str, Any]:
        hook = get_webhook(webhook_id, owner=visitor.owner, session=session)
        page = find_deliveries(webhook_id, visitor.owner, limit=_PAGE, after=after, session=session)
        return {"hook": hook, "page": page}

    return render(request, "webhooks/one.html", **await with_ledger(context, read))


@router.post("/webhooks/{webhook_id}/delete")
async def delete(webhook_id: UUID, visitor: ChangingAdmin, context: Context) -> Response:
    """What was not delivered yet is given up."""
    await with_ledger(context, lambda session: delete_webhook(webhook_id, visitor.owner, session=session))
    return go_to("/webhooks", "The webhook is deleted.")


@router.post("/webhooks/{webhook_id}/deliveries/{delivery_id}/replay")
async def replay(webhook_id: UUID, delivery_id: UUID, visitor: ChangingAdmin, context: Context) -> Response:
    """Deliver once more, under the same id."""
    await with_ledger(context, lambda session: replay_delivery(webhook_id, delivery_id, visitor.owner, session=session))
    return go_to(f"/webhooks/{webhook_id}", "It is delivered once more.")
