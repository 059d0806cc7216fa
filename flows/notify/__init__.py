"""What is told to whom: messages in words, sent through Prefect's notification blocks."""

from flows.notify.messages import Message, message_for
from flows.notify.sender import NotificationFailedError, send

__all__ = ["Message", "NotificationFailedError", "message_for", "send"]
