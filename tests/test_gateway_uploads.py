"""Presigned uploads: the store itself holds every condition, and the object is received when it appears."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx
import pytest
from gateway_helpers import EVENTS_TOKEN, JPEG, Gateway, early_in_window
from ledger_helpers import count

pytest_plugins = ["gateway_helpers"]


async def _presigned(gateway: Gateway, **wanted: Any) -> Any:
    answer = await gateway.anna.post("/uploads", json={"media_type": "image/jpeg", "name": "lunch.jpg"} | wanted)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def _send(ticket: Any, body: bytes = JPEG, *, url: str | None = None, **fields: str | None) -> int:
    form = {name: value for name, value in (ticket["fields"] | fields).items() if value is not None}
    async with httpx.AsyncClient() as client:
        answer = await client.post(url or ticket["url"], data=form, files={"file": ("x.jpg", body, "image/jpeg")})
    return answer.status_code


async def test_a_file_that_was_sent_to_the_bucket_becomes_a_receipt_when_asked_for(gateway: Gateway) -> None:
    ticket = await _presigned(gateway)
    before = (await gateway.anna.get(ticket["status_url"])).json()
    assert (before["received"], before["receipt_id"]) == (False, None)
    waiting = asyncio.create_task(gateway.anna.get(f"{ticket['status_url']}?wait=20"))
    assert await _send(ticket) == 204
    status = (await waiting).json()
    assert status["received"] is True
    receipt = (await gateway.anna.get(status["status_url"])).json()
    assert receipt["key"] == ticket["fields"]["key"]
    assert receipt["history"][0]["reason"] == "received by upload"
    again = (await gateway.anna.get(ticket["status_url"])).json()
    assert again == status
    assert count(gateway.ledger, "receipts") == 1


async def test_the_store_holds_every_condition(gateway: Gateway, start_gateway: Any) -> None:
    ticket = await _presigned(gateway)
    key = ticket["fields"]["key"]
    wrong: list[dict[str, str | None]] = [
        {"key": key.replace("anna", "bert")},
        {"key": key + "x"},
        {"Content-Type": "text/html"},
        {"Content-Type": None},
        {"policy": None},
        {"x-amz-signature": "0" * 64},
        {"x-amz-meta-owner": "bert"},
    ]
    for fields in wrong:
        assert await _send(ticket, **fields) in {400, 403}, fields
    assert await _send(ticket, b"") in {400, 403}
    assert await _send(ticket, url=ticket["url"].replace("/inbox", "/results")) in {400, 403}
    assert (await gateway.anna.get(ticket["status_url"])).json()["received"] is False
    async with start_gateway(max_upload_bytes=1000) as small:
        assert await _send(await _presigned(small), JPEG) in {400, 403}


async def test_an_uploaded_object_is_not_for_everybody(gateway: Gateway) -> None:
    ticket = await _presigned(gateway)
    await _send(ticket, acl="public-read")
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{ticket['url']}/{ticket['fields']['key']}")).status_code == 403


async def test_an_event_receives_an_upload_for_its_owner(gateway: Gateway) -> None:
    ticket = await _presigned(gateway)
    await _send(ticket)
    event = {"event_type": "create", "key": f"/buckets/inbox/{ticket['fields']['key']}", "message": {"new_entry": {}}}
    preflight = await gateway.nobody.post(
        "/events/seaweedfs", json=event, headers={"Authorization": f"Bearer {EVENTS_TOKEN}"}
    )
    assert preflight.status_code == 204
    assert [one["key"] for one in (await gateway.anna.get("/receipts")).json()["items"]] == [ticket["fields"]["key"]]


@pytest.mark.parametrize(
    "wanted", [{"media_type": "application/zip"}, {"media_type": None}, {"name": "x" * 501}, {"size": 1}]
)
async def test_other_requests_are_refused(gateway: Gateway, wanted: dict[str, Any]) -> None:
    answer = await gateway.anna.post("/uploads", json={"media_type": "image/jpeg"} | wanted)
    assert answer.status_code == 422


async def test_presigned_uploads_count_against_the_upload_rate(
    start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]],
) -> None:
    async with start_gateway(upload_rate="1/minute") as gateway:
        await early_in_window(60)
        await _presigned(gateway)
        assert (await gateway.anna.post("/uploads", json={"media_type": "image/jpeg"})).status_code == 429
