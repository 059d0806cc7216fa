"""Where owners want to be notified over HTTP, and what was delivered there: the outbox seen by webhook."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.locking import as_value
from flows.ledger.notifications.outbox import replay
from flows.ledger.pagination import newest_page
from flows.ledger.schema import WEBHOOK_PREFIX, DeliveryState, Notification, NotificationKind, Webhook
from flows.ledger.views import NotificationView, Page

_SECRET_BYTES = 32
MOST_WEBHOOKS = 20


class WebhookNotFoundError(ReceiptflowError):
    """No webhook or delivery has this id, or it belongs to somebody else."""

    def __init__(self, reference: UUID) -> None:
        self.reference = reference
        super().__init__(f"no webhook or delivery {reference}")


class TooManyWebhooksError(ReceiptflowError):
    """An owner has as many webhooks as one may have."""


@dataclass(frozen=True, slots=True)
class WebhookView:
    """One webhook. `secret` signs what is sent."""

    id: UUID
    owner: str
    url: str
    secret: str
    kinds: list[str]
    active: bool
    created_at: dt.datetime


def _new_secret() -> str:
    """As the Standard Webhooks specification writes secrets, so that its libraries take it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def channel_of(webhook_id: UUID) -> str:
    """The outbox channel of a webhook."""
    return f"{WEBHOOK_PREFIX}{webhook_id}"


def webhook_of(channel: str) -> UUID:
    """The webhook of an outbox channel."""
    return UUID(channel.removeprefix(WEBHOOK_PREFIX))


def create_webhook(owner: str, url: str, kinds: Collection[NotificationKind], *, session: Session) -> WebhookView:
    """Make a webhook with a random secret; it is notified of what happens from now on.

    Raises:
        TooManyWebhooksError: The owner has `MOST_WEBHOOKS` already.
    """
    if len(list_webhooks(owner, session=session)) >= MOST_WEBHOOKS:
        raise TooManyWebhooksError(f"an owner may have {MOST_WEBHOOKS} webhooks; delete one first")
    names = sorted(kind.value for kind in kinds)
    row = Webhook(owner=owner, url=url, kinds=names, secret=_new_secret())
    session.add(row)
    session.flush()
    session.refresh(row)
    return as_value(WebhookView, row)


def list_webhooks(owner: str, *, session: Session) -> list[WebhookView]:
    """An owner's webhooks, oldest first."""
    query = select(Webhook).where(Webhook.owner == owner).order_by(col(Webhook.created_at), col(Webhook.id))
    return [as_value(WebhookView, row) for row in session.exec(query)]


def get_webhook(webhook_id: UUID, *, session: Session, owner: str | None = None) -> WebhookView:
    """One webhook; with `owner`, only if it is theirs.

    Raises:
        WebhookNotFoundError: There is none, or it is another owner's.
    """
    row = session.get(Webhook, webhook_id, populate_existing=True)
    if row is None or owner not in {None, row.owner}:
        raise WebhookNotFoundError(webhook_id)
    return as_value(WebhookView, row)


def delete_webhook(webhook_id: UUID, owner: str, *, session: Session) -> None:
    """Delete an owner's webhook; what was not delivered to it yet is given up.

    Raises:
        WebhookNotFoundError: There is none, or it is another owner's.
    """
    get_webhook(webhook_id, session=session, owner=owner)
    pending = update(Notification).where(
        Notification.channel == channel_of(webhook_id),  # type: ignore[arg-type]  # SQLModel's columns look like values
        Notification.state == DeliveryState.PENDING,  # type: ignore[arg-type]
    )
    session.execute(pending.values(state=DeliveryState.FAILED, last_error="the webhook was deleted"))
    session.execute(delete(Webhook).where(col(Webhook.id) == webhook_id))


def find_deliveries(
    webhook_id: UUID,
    owner: str,
    *,
    session: Session,
    state: DeliveryState | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[NotificationView]:
    """What was or is to be delivered to an owner's webhook, newest first.

    Raises:
        WebhookNotFoundError: There is none, or it is another owner's.
        InvalidReferenceError: `after` is no cursor of this list.
    """
    get_webhook(webhook_id, session=session, owner=owner)
    query = select(Notification).where(Notification.owner == owner, Notification.channel == channel_of(webhook_id))
    if state is not None:
        query = query.where(Notification.state == state)
    order = (col(Notification.created_at), col(Notification.id))
    return newest_page(NotificationView, query, order, limit, after, session=session)


def replay_delivery(webhook_id: UUID, delivery_id: UUID, owner: str, *, session: Session) -> NotificationView:
    """Deliver once more, under the same delivery id, whether it was delivered, is waiting or was given up.

    Raises:
        WebhookNotFoundError: There is no such delivery to this owner's webhook.
    """
    get_webhook(webhook_id, session=session, owner=owner)
    row = session.get(Notification, delivery_id, populate_existing=True)
    if row is None or row.owner != owner or row.channel != channel_of(webhook_id):
        raise WebhookNotFoundError(delivery_id)
    replay(delivery_id, session=session)
    session.refresh(row)
    return as_value(NotificationView, row)
