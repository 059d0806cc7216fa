"""Where an owner's notifications go, and a test that says what each channel answered; for admins."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.services.notification_test import Tried, try_channels
from deployments.gateway.web.assets import PREFIX
from deployments.gateway.web.shown import with_ledger
from deployments.gateway.web.templates import render
from deployments.gateway.web.visitor import Admin, ChangingAdmin, Visitor, reachable
from flows.ledger.notifications import list_webhooks

router = APIRouter(include_in_schema=False)


@router.get("/notifications")
async def get_notifications(request: Request, visitor: Admin, context: Context) -> Response:
    """The channels."""
    return await _page(request, visitor, context, await context.orchestrator.notification_block(), None)


@router.post("/notifications/test")
async def test(request: Request, visitor: ChangingAdmin, context: Context) -> Response:
    """Send a test to every channel, and show what each answered."""
    hooks = await with_ledger(context, lambda session: list_webhooks(visitor.owner, session=session))
    block, public = await context.orchestrator.notification_block(), context.settings.public_url
    await context.rates.count_uploads(visitor.session_id, len(hooks) + 1)
    tried = await try_channels(
        block or None,
        hooks,
        visitor.person.name,
        f"{public}{PREFIX}/" if public else "",
        allow_private=context.settings.webhooks_allow_private,
    )
    return await _page(request, visitor, context, block, tried)


async def _page(
    request: Request, visitor: Visitor, context: GatewayContext, block: str | None, tried: list[Tried] | None
) -> Response:
    hooks = await with_ledger(context, lambda session: list_webhooks(visitor.owner, session=session))
    ui = reachable(request, context.settings.prefect_ui_url)
    return render(request, "notifications/page.html", hooks=hooks, block=block, ui=ui, tried=tried)
