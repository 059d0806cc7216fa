"""Routes of webhooks: where an owner wants to be notified, what was delivered, and delivering once more."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from deployments.gateway.api.schemas import Answer
from deployments.gateway.context import Context, GatewayContext
from deployments.gateway.http.auth import Admin
from deployments.gateway.http.problems import RESPONSES, RefusedError
from flows.ledger.notifications import create_webhook, delete_webhook, find_deliveries, list_webhooks, replay_delivery
from flows.ledger.schema import DeliveryState, NotificationKind
from flows.ledger.views import NotificationView
from flows.notifications import DeliveryFailedError, TargetRefusedError, require_allowed

router = APIRouter(prefix="/webhooks", tags=["webhooks"], responses=RESPONSES)
T = TypeVar("T")


class WebhookRequest(BaseModel):
    """Where to notify, and of what."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(min_length=1, max_length=2000, examples=["https://accounting.example/hooks/receipts"])
    kinds: list[NotificationKind] = Field(
        default=list(NotificationKind), min_length=1, description="What to notify of; everything by default."
    )


class WebhookAnswer(Answer):
    """One webhook."""

    id: UUID
    url: str
    kinds: list[NotificationKind]
    active: bool
    created_at: dt.datetime


class NewWebhook(WebhookAnswer):
    """A webhook that was just made."""

    secret: str = Field(
        description="Signs deliveries as in the Standard Webhooks specification; shown this once.", examples=["whsec_…"]
    )


class Delivery(Answer):
    """One delivery; its id is the `webhook-id` header of each of its tries."""

    id: UUID
    kind: NotificationKind
    receipt_id: UUID
    state: DeliveryState
    attempts: int
    next_attempt_at: dt.datetime
    sent_at: dt.datetime | None
    last_error: str | None
    created_at: dt.datetime
    payload: dict[str, Any]


class DeliveryPage(Answer):
    """Some deliveries, newest first."""

    items: list[Delivery]
    next: str | None


class DeliveryFilter(BaseModel):
    """Which deliveries."""

    model_config = ConfigDict(extra="forbid")

    state: DeliveryState | None = None
    limit: int = Field(default=100, ge=1, le=500)
    after: str | None = Field(default=None, max_length=300)


async def _in_session(context: GatewayContext, work: Callable[[Session], T]) -> T:
    def run() -> T:
        with context.ledger.session() as session:
            return work(session)

    return await asyncio.to_thread(run)


@router.post("", status_code=201, summary="Make a webhook")
async def post_webhook(wanted: WebhookRequest, caller: Admin, context: Context) -> NewWebhook:
    """From now on, each outcome of your receipts is posted to the URL."""
    try:
        await require_allowed(wanted.url, allow_private=context.settings.webhooks_allow_private)
    except (TargetRefusedError, DeliveryFailedError) as error:
        raise RefusedError(422, str(error)) from error
    made = await _in_session(
        context, lambda session: create_webhook(caller.owner, wanted.url, wanted.kinds, session=session)
    )
    return NewWebhook.model_validate(made)


@router.get("", summary="List webhooks")
async def get_webhooks(caller: Admin, context: Context) -> list[WebhookAnswer]:
    """Oldest first, without their secrets."""
    hooks = await _in_session(context, lambda session: list_webhooks(caller.owner, session=session))
    return [WebhookAnswer.model_validate(hook) for hook in hooks]


@router.delete("/{webhook_id}", status_code=204, response_class=Response, summary="Delete a webhook")
async def remove_webhook(webhook_id: UUID, caller: Admin, context: Context) -> None:
    """What was not delivered yet is given up."""
    await _in_session(context, lambda session: delete_webhook(webhook_id, caller.owner, session=session))


@router.get("/{webhook_id}/deliveries", summary="What was delivered")
async def get_deliveries(
    webhook_id: UUID, caller: Admin, context: Context, wanted: Annotated[DeliveryFilter, Query()]
) -> DeliveryPage:
    """Newest first, with tries and the last error."""
    page = await _in_session(
        context,
        lambda session: find_deliveries(
            webhook_id, caller.owner, state=wanted.state, limit=wanted.limit, after=wanted.after, session=session
        ),
    )
    return DeliveryPage(items=[Delivery.model_validate(one) for one in page], next=page.next)


@router.post("/{webhook_id}/deliveries/{delivery_id}/replay", status_code=202, summary="Deliver once more")
async def replay(webhook_id: UUID, delivery_id: UUID, caller: Admin, context: Context) -> Delivery:
    """Under the same delivery id, so that the receiver can tell."""

    def again(session: Session) -> NotificationView:
        return replay_delivery(webhook_id, delivery_id, caller.owner, session=session)

    return Delivery.model_validate(await _in_session(context, again))
