"""What is told to whom: messages in words, sent through Prefect's notification blocks."""

from flows.notify.messages import Message, message_for
from flows.notify.sender import NotificationFailedError, send
from flows.notify.webhook import DeliveryFailedError, TargetRefusedError, post, require_allowed

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
