"""Notifications: their wording, and sending them through Prefect's blocks and webhooks."""

from flows.notifications.messages import Message, message_for
from flows.notifications.sender import NotificationFailedError, send
from flows.notifications.webhook import DeliveryFailedError, TargetRefusedError, post, require_allowed

__all__ = [
    "DeliveryFailedError",
    "Message",
    "NotificationFailedError",
    "TargetRefusedError",
    "message_for",
    "post",
    "require_allowed",
    "send",
]
