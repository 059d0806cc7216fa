"""Takes S3 events from an SQS queue: polls long, deletes in batches after receiving, sets malformed ones aside at once.

A message whose objects cannot be received now (storage or database away) stays in the queue and becomes visible
again; all others are deleted once their objects are in the ledger.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployments.ingest.bucket_events.messages import MalformedEventError, read_events
from deployments.ingest.bucket_events.reception import EventReceiver
from flows.domain.errors import TransientError

_log = logging.getLogger("receiptflow.events")
_WAIT_SECONDS = 20
_MOST_MESSAGES = 10  # what SQS gives and takes at once
_PAUSE_SECONDS = 5.0
# Seen by SQS as "try again soon" when a part of ours was away, whatever the queue's own timeout.
_AGAIN_SECONDS = 15


class SqsQueue:
    """One queue and where its malformed messages go.

    Args:
        client: boto3's SQS client.
        url: The queue's URL.
        dead_letter_url: Where malformed messages go; by default the queue's own dead-letter queue.
    """

    def __init__(self, client: Any, url: str, dead_letter_url: str | None = None) -> None:
        self._client, self._url = client, url
        self._dead_letter_url = dead_letter_url or self._redrive_target()

    def _redrive_target(self) -> str | None:
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=["RedrivePolicy"])
        policy = json.loads(answer.get("Attributes", {}).get("RedrivePolicy", "{}"))
        arn = policy.get("deadLetterTargetArn")
        return str(self._client.get_queue_url(QueueName=arn.rsplit(":", 1)[1])["QueueUrl"]) if arn else None

    def receive(self, wait_seconds: int) -> list[dict[str, Any]]:
        """Up to ten messages; waits for the first one."""
        answer = self._client.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=_MOST_MESSAGES, WaitTimeSeconds=wait_seconds
        )
        return list(answer.get("Messages", ()))

    def delete(self, messages: Sequence[dict[str, Any]]) -> None:
        """Delete messages; one that SQS fails to delete comes again, which does no harm."""
        if not messages:
            return
        entries = [{"Id": str(n), "ReceiptHandle": one["ReceiptHandle"]} for n, one in enumerate(messages)]
        answer = self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)
        for failure in answer.get("Failed", ()):
            _log.warning("SQS did not delete a message, it comes again: %s", failure.get("Message"))

    def requeue(self, messages: Sequence[dict[str, Any]]) -> None:
        """Have messages delivered again soon."""
        for message in messages:
            self._client.change_message_visibility(
                QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=_AGAIN_SECONDS
            )

    def set_aside(self, message: dict[str, Any], reason: str) -> None:
        """Move a malformed message to the dead-letter queue; without one, it is only logged."""
        _log.error("a malformed message is set aside: %s", reason)
        if self._dead_letter_url:
            why = {"reason": {"DataType": "String", "StringValue": reason[:250]}}
            self._client.send_message(
                QueueUrl=self._dead_letter_url, MessageBody=message["Body"], MessageAttributes=why
            )


async def consume(queue: SqsQueue, receiver: EventReceiver) -> None:
    """Take messages for ever; to be cancelled."""
    while True:
        try:
            await consume_once(queue, receiver, wait_seconds=_WAIT_SECONDS)
        except (BotoCoreError, ClientError, OSError) as error:
            _log.warning("the queue does not answer, again in %.0f s: %s", _PAUSE_SECONDS, error)
            await asyncio.sleep(_PAUSE_SECONDS)


async def consume_once(queue: SqsQueue, receiver: EventReceiver, *, wait_seconds: int) -> int:
    """Take one batch. Returns how many messages there were."""
    messages = await asyncio.to_thread(queue.receive, wait_seconds)
    outcomes = await asyncio.gather(*(_handle(queue, receiver, message) for message in messages))
    await asyncio.to_thread(queue.delete, [m for m, done in zip(messages, outcomes, strict=True) if done])
    await asyncio.to_thread(queue.requeue, [m for m, done in zip(messages, outcomes, strict=True) if not done])
    return len(messages)


async def _handle(queue: SqsQueue, receiver: EventReceiver, message: dict[str, Any]) -> bool:
    """Whether the message is done with."""
    try:
        for event in read_events(message["Body"]):
            await receiver.receive(event)
    except MalformedEventError as error:
        await asyncio.to_thread(queue.set_aside, message, str(error))
    except TransientError as error:
        _log.warning("a message stays in the queue: %s", error)
        return False
    return True
