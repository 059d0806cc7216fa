"""Who is notified of what: the outbox and the webhooks that it is delivered to."""

from flows.ledger.notifications.outbox import (
    claim_notifications,
    enqueue_expense,
    enqueue_outcome,
    enqueue_reviewed,
    mark_failed,
    mark_sent,
    replay,
)
from flows.ledger.notifications.webhooks import (
    TooManyWebhooksError,
    WebhookNotFoundError,
    WebhookView,
    create_webhook,
    delete_webhook,
    find_deliveries,
    get_webhook,
    list_webhooks,
    replay_delivery,
    webhook_of,
)

__all__ = [
    "TooManyWebhooksError",
    "WebhookNotFoundError",
    "WebhookView",
    "claim_notifications",
    "create_webhook",
    "delete_webhook",
    "enqueue_expense",
    "enqueue_outcome",
    "enqueue_reviewed",
    "find_deliveries",
    "get_webhook",
    "list_webhooks",
    "mark_failed",
    "mark_sent",
    "replay",
    "replay_delivery",
    "webhook_of",
]
