"""Send a message through the notification block that the pipeline names (Apprise: mail, Slack, webhook, …)."""

from __future__ import annotations

from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.core import Block

from flows.domain.errors import ConfigurationError, TransientError
from flows.notifications.messages import Message


class NotificationFailedError(TransientError):
    """The provider did not take the message; it is tried again."""


async def send(block_slug: str, message: Message) -> None:
    """Send one message.

    Args:
        block_slug: type/name of a notification block, for example slack-webhook/finance.
        message: what to send.

    Raises:
        NotificationFailedError: the provider was not reached or refused.
        ConfigurationError: there is no such block, or it is none for notifications.
    """
    block = await _load(block_slug)
    try:
        with block.raise_on_failure():
            await block.anotify(body=message.body, subject=message.subject)  # type: ignore[attr-defined]  # all bundled blocks have it, the base class declares `notify` only
    except (NotificationError, OSError) as error:
        raise NotificationFailedError(f"{block_slug} did not take the notification: {error}") from error


async def _load(block_slug: str) -> NotificationBlock:
    try:
        block = await Block.aload(block_slug)
    except ValueError as error:
        raise ConfigurationError(
            f"The notification block {block_slug} is missing: make it in the Prefect UI, or clear the pipeline's "
            "notification setting."
        ) from error
    if not isinstance(block, NotificationBlock):
        raise ConfigurationError(f"{block_slug} is no notification block; name one, for example slack-webhook/finance.")
    return block
