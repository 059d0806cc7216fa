"""SQS: messages are deleted after their objects were received, stay while a part is away, malformed ones go aside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID

import boto3
import pytest
from gateway_helpers import free_port
from ledger_helpers import count
from moto.server import ThreadedMotoServer

from deployments.ingest.bucket_events import EventReceiver
from deployments.ingest.bucket_events.sqs import SqsQueue, consume_once
from flows.ledger.database import Ledger
from flows.ledger.receipts import list_receipts
from flows.storage import Inbox, StorageUnavailableError

KEYS = ["sqs/2026 11/é+1.jpg", "sqs/b.jpg"]


@pytest.fixture(scope="module")
def sqs() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=free_port())
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client(
        "sqs",
        endpoint_url=f"http://{host}:{port}",
        region_name="eu-central-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    server.stop()


@pytest.fixture
def urls(sqs: Any, request: pytest.FixtureRequest) -> tuple[str, str]:
    """A queue and its dead-letter queue."""
    name = f"q{abs(hash(request.node.name))}"
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    redrive = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": "5"})
    return sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": redrive})["QueueUrl"], dead


@pytest.fixture
def stored(s3_client: Any) -> None:
    for key in KEYS:
        s3_client.put_object(Bucket="inbox", Key=key, Body=key.encode())


def _message(*keys: str) -> str:
    records = [
        {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "inbox"}, "object": {"key": quote_plus(key)}}}
        for key in keys
    ]
    return json.dumps({"Records": records})


def _eventbridge(key: str) -> str:
    detail = {"bucket": {"name": "inbox"}, "object": {"key": key}}
    return json.dumps({"detail-type": "Object Created", "detail": detail})


def _waiting(sqs: Any, url: str) -> tuple[int, int]:
    """Messages that are visible, and that are being worked on."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return int(found[names[0]]), int(found[names[1]])


async def test_messages_become_receipts_once_and_are_deleted(
    sqs: Any, urls: tuple[str, str], s3_client: Any, ledger: Ledger, stored: None
) -> None:
    url, dead = urls
    for body in (
        _message(*KEYS),
        _message(KEYS[0]),
        _eventbridge(KEYS[1]),
        '{"Event": "s3:TestEvent"}',
        _message("no"),
    ):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    submitted: list[UUID] = []
    receiver = EventReceiver(Inbox(s3_client, "inbox"), ledger, submitted.append)
    assert await consume_once(SqsQueue(sqs, url), receiver, wait_seconds=1) == 5
    with ledger.session() as session:
        found = list(list_receipts(owner="sqs", session=session))
    assert sorted(receipt.key for receipt in found) == sorted(KEYS)
    assert set(submitted) == {receipt.id for receipt in found}
    assert (_waiting(sqs, url), _waiting(sqs, dead)) == ((0, 0), (0, 0))


async def test_malformed_messages_go_to_the_dead_letter_queue_at_once(
    sqs: Any, urls: tuple[str, str], s3_client: Any, ledger: Ledger, stored: None
) -> None:
    url, dead = urls
    for body in ("{", '{"a": 1}', _message(KEYS[0])):
        sqs.send_message(QueueUrl=url, MessageBody=body)
    receiver = EventReceiver(Inbox(s3_client, "inbox"), ledger, lambda _: None)
    assert await consume_once(SqsQueue(sqs, url), receiver, wait_seconds=1) == 3
    assert (_waiting(sqs, url), _waiting(sqs, dead)) == ((0, 0), (2, 0))
    aside = sqs.receive_message(QueueUrl=dead, MessageAttributeNames=["All"])["Messages"][0]
    assert aside["Body"] in {"{", '{"a": 1}'}
    assert "not an object store's event" in aside["MessageAttributes"]["reason"]["StringValue"]
    assert count(ledger, "receipts") == 1


async def test_while_storage_is_away_messages_stay(
    sqs: Any, urls: tuple[str, str], s3_client: Any, ledger: Ledger, stored: None
) -> None:
    class Away(Inbox):
        def head(self, key: str) -> Any:
            raise StorageUnavailableError(key)

    url, dead = urls
    sqs.send_message(QueueUrl=url, MessageBody=_message(KEYS[0]))
    receiver = EventReceiver(Away(s3_client, "inbox"), ledger, lambda _: None)
    await consume_once(SqsQueue(sqs, url), receiver, wait_seconds=1)
    assert (_waiting(sqs, url), _waiting(sqs, dead)) == ((0, 1), (0, 0))
    assert count(ledger, "receipts") == 0


async def test_an_empty_queue_is_waited_for(sqs: Any, urls: tuple[str, str], s3_client: Any, ledger: Ledger) -> None:
    receiver = EventReceiver(Inbox(s3_client, "inbox"), ledger, lambda _: None)
    assert await consume_once(SqsQueue(sqs, urls[0]), receiver, wait_seconds=0) == 0
