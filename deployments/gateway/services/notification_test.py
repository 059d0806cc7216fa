"""Sends a real test notification to each channel, and says what each answered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection
from dataclasses import dataclass
from uuid import uuid4

from flows.domain.errors import ReceiptflowError
from flows.ledger.notifications import WebhookView
from flows.notifications import Message, post, send

_SUBJECT = "Test by receiptflow"


@dataclass(frozen=True, slots=True)
class Tried:
    """One channel. `problem` is why it did not take the message; None: it did."""

    name: str
    problem: str | None


async def try_channels(
    block: str | None, hooks: Collection[WebhookView], who: str, page: str, *, allow_private: bool
) -> list[Tried]:
    """Try all channels at once, each once.

    Args:
        block: The notification block that the pipeline names, as type/name.
        hooks: The owner's webhooks; they get the kind `test`, signed as everything is.
        who: Who asked for it.
        page: Address of the pages, to be linked to; may be empty.
        allow_private: Whether webhooks may call private addresses.
    """
    text = f"{who} sent this to see whether notifications arrive. {page}".strip()
    tries = [_try_hook(hook, text, allow_private) for hook in hooks]
    if block:
        tries.insert(0, _tried(block, send(block, Message(_SUBJECT, text))))
    return list(await asyncio.gather(*tries))


async def _try_hook(hook: WebhookView, text: str, allow_private: bool) -> Tried:
    payload = {"kind": "test", "owner": hook.owner, "text": text}
    return await _tried(hook.url, post(hook.url, hook.secret, uuid4(), payload, allow_private=allow_private))


async def _tried(name: str, sending: Awaitable[None]) -> Tried:
    try:
        await sending
    except ReceiptflowError as error:
        return Tried(name, str(error))
    return Tried(name, None)
