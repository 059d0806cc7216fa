"""Bucket events at the gateway: hints with a secret; repeated, late and lying ones do no harm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from urllib.parse import quote_plus

import pytest
from gateway_helpers import EVENTS_TOKEN, JPEG, Gateway
from ledger_helpers import count

pytest_plugins = ["gateway_helpers"]
KEY = "anna/2026 11/café+1.jpg"


def _minio(key: str = KEY, name: str = "s3:ObjectCreated:Put", bucket: str = "inbox") -> dict[str, Any]:
    record = {"eventName": name, "s3": {"bucket": {"name": bucket}, "object": {"key": quote_plus(key), "size": 1}}}
    return {"EventName": name, "Key": f"{bucket}/{key}", "Records": [record]}


async def _tell(gateway: Gateway, body: Any, token: str = f"Bearer {EVENTS_TOKEN}") -> int:
    headers = {"Authorization": token}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return (await gateway.nobody.post("/events/minio", content=content, headers=headers)).status_code


@pytest.fixture
def stored(s3_client: Any) -> Any:
    answer = s3_client.put_object(Bucket="inbox", Key=KEY, Body=JPEG)
    yield answer
    s3_client.delete_object(Bucket="inbox", Key=KEY, VersionId=answer["VersionId"])


async def test_an_event_makes_one_receipt_for_the_owner_of_its_folder(gateway: Gateway, stored: Any) -> None:
    statuses = await asyncio.gather(*(_tell(gateway, _minio()) for _ in range(8)))
    assert set(statuses) == {204}
    items = (await gateway.anna.get("/receipts")).json()["items"]
    assert [(one["key"], one["size_bytes"]) for one in items] == [(KEY, len(JPEG))]
    assert count(gateway.ledger, "receipts") == 1


async def test_events_that_name_nothing_usable_are_accepted_and_dropped(gateway: Gateway, stored: Any) -> None:
    for body in (
        _minio("anna/never was.jpg"),
        _minio(bucket="results"),
        _minio("anna/folder/"),
        _minio(name="s3:ObjectRemoved:Delete"),
        {"Records": []},
    ):
        assert await _tell(gateway, body) == 204
    assert count(gateway.ledger, "receipts") == 0


async def test_malformed_and_huge_events_are_refused(gateway: Gateway) -> None:
    assert await _tell(gateway, b"{") == 422
    assert await _tell(gateway, {"hello": "world"}) == 422
    assert await _tell(gateway, b" " * 1_100_000) == 413


async def test_the_secret_is_needed_and_without_one_events_are_off(
    gateway: Gateway, start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]], stored: Any
) -> None:
    for token in ("", "Bearer", "Bearer wrong", f"Basic {EVENTS_TOKEN}", str(gateway.anna.headers["Authorization"])):
        assert await _tell(gateway, _minio(), token) == 401
    assert await _tell(gateway, _minio(), EVENTS_TOKEN) == 204  # as MinIO sends it
    async with start_gateway(events_token=None) as closed:
        assert await _tell(closed, _minio()) == 404


async def test_an_event_about_a_posted_file_changes_nothing(gateway: Gateway) -> None:
    accepted = await gateway.accepted()
    key = (await gateway.anna.get(accepted["status_url"])).json()["key"]
    assert await _tell(gateway, _minio(key)) == 204
    gateway.parts.intake._own.clear()  # as after a restart
    assert await _tell(gateway, _minio(key)) == 204
    receipt = (await gateway.anna.get(accepted["status_url"])).json()
    assert [change["reason"] for change in receipt["history"]] == ["received by api"]
    assert count(gateway.ledger, "receipts") == 1


async def test_an_announced_file_of_an_operating_system_is_skipped_and_counted(
    gateway: Gateway, s3_client: Any
) -> None:
    for key in ("anna/.DS_Store", "anna/._lunch.jpg"):
        s3_client.put_object(Bucket="inbox", Key=key, Body=b"1")
        assert await _tell(gateway, _minio(key)) == 204
    assert count(gateway.ledger, "receipts") == 0
    assert 'receiptflow_skipped_total{source="event"} 2.0' in (await gateway.anna.get("/metrics")).text
