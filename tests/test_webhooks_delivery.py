"""Webhooks out: each outcome is delivered once, signed, retried under the same id, and visible and replayable."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import Any

from gateway_helpers import Gateway
from ledger_helpers import EXTRACTION, begun, expensed, some_fields
from sqlalchemy import text
from webhook_receiver import Receiver

from flows.ledger.database import Ledger
from flows.ledger.receipts import record_expense
from flows.pipeline.webhook_delivery import deliver_due

pytest_plugins = ["gateway_helpers", "webhook_receiver"]


async def _until(look: Callable[[], Awaitable[Any]]) -> Any:
    """What `look` gives, as soon as it gives something."""
    async with asyncio.timeout(30):
        while True:
            if seen := await look():
                return seen
            await asyncio.sleep(0.05)


def _due_now(ledger: Ledger) -> None:
    with ledger.session() as session:
        session.execute(text("UPDATE notifications SET next_attempt_at = now() WHERE state = 'pending'"))


async def _deliveries(gateway: Gateway, hook: Any) -> Any:
    return (await gateway.anna.get(f"/webhooks/{hook['id']}/deliveries")).json()["items"]


async def _sent(gateway: Gateway, hook: Any) -> Any:
    return await _delivery(gateway, hook, lambda one: one["state"] == "sent")


async def _delivery(gateway: Gateway, hook: Any, wanted: Callable[[Any], bool]) -> Any:
    async def look() -> Any:
        return next((one for one in await _deliveries(gateway, hook) if wanted(one)), None)

    return await _until(look)


async def test_a_delivery_links_to_the_receipts_page(
    start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]], receiver: Receiver
) -> None:
    async with start_gateway(public_url="https://receipts.example") as gateway:
        hook = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
        attempt = expensed(gateway.ledger)
        await _sent(gateway, hook)
    assert json.loads(receiver.seen[0][1])["url"] == f"https://receipts.example/app/receipts/{attempt.receipt_id}"


async def test_an_outcome_is_delivered_to_its_owner_signed(gateway: Gateway, receiver: Receiver) -> None:
    hook = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
    await gateway.bert.post("/webhooks", json={"url": receiver.url})
    attempt = expensed(gateway.ledger)
    await _sent(gateway, hook)
    assert len(receiver.seen) == 1
    headers, body = receiver.seen[0]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    key = base64.b64decode(hook["secret"].removeprefix("whsec_"))
    expected = base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    payload = json.loads(body)
    assert (payload["kind"], payload["receipt_id"], payload["total"]) == (
        "expense.ready",
        str(attempt.receipt_id),
        "12.50",
    )
    listed = (await gateway.anna.get("/webhooks")).json()
    assert "secret" not in listed[0]


async def test_an_expense_that_is_read_otherwise_is_told_again_under_its_id_with_the_next_revision(
    gateway: Gateway, receiver: Receiver
) -> None:
    await gateway.anna.post("/webhooks", json={"url": receiver.url})
    first = expensed(gateway.ledger, total=Decimal("10.00"))
    again = begun(gateway.ledger, first.receipt_id, force=True)
    with gateway.ledger.session() as session:
        record_expense(again, some_fields(total=Decimal("99.00")), EXTRACTION, session=session)
    (expense,) = (await gateway.anna.get("/expenses")).json()["items"]
    assert (expense["total"], expense["revision"]) == ("99.00", 2)

    async def both() -> bool:
        return len(receiver.seen) == 2

    await _until(both)
    told = sorted((json.loads(body) for _, body in receiver.seen), key=lambda one: one["revision"])
    assert [(one["kind"], one["revision"], one["total"]) for one in told] == [
        ("expense.ready", 1, "10.00"),
        ("expense.updated", 2, "99.00"),
    ]
    assert {one["expense_id"] for one in told} == {expense["id"]}


async def test_a_refused_delivery_is_repeated_under_the_same_id(gateway: Gateway, receiver: Receiver) -> None:
    receiver.statuses = [500, 302]
    hook = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
    expensed(gateway.ledger)
    for tries in (1, 2):
        failed = await _delivery(gateway, hook, lambda one, tries=tries: one["attempts"] == tries and one["last_error"])
        assert failed["state"] == "pending"
        _due_now(gateway.ledger)
    sent = await _sent(gateway, hook)
    assert len({headers["webhook-id"] for headers, _ in receiver.seen}) == 1
    assert len({body for _, body in receiver.seen}) == 1
    assert len(receiver.seen) == sent["attempts"] == 3


async def test_a_delivery_can_be_replayed(gateway: Gateway, receiver: Receiver) -> None:
    hook = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
    expensed(gateway.ledger)
    sent = await _sent(gateway, hook)
    again = await gateway.anna.post(f"/webhooks/{hook['id']}/deliveries/{sent['id']}/replay")
    assert (again.status_code, again.json()["state"]) == (202, "pending")
    await _sent(gateway, hook)
    assert receiver.seen[0][0]["webhook-id"] == receiver.seen[1][0]["webhook-id"] == sent["id"]


async def test_a_receiver_that_says_gone_is_not_asked_again(gateway: Gateway, receiver: Receiver) -> None:
    receiver.statuses = [410]
    hook = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
    expensed(gateway.ledger)
    await _delivery(gateway, hook, lambda one: one["state"] == "failed")
    assert len(receiver.seen) == 1


async def test_a_delivery_that_fails_as_nobody_foresaw_does_not_hold_up_the_others(
    gateway: Gateway, receiver: Receiver
) -> None:
    """Here by a secret that is no base64, as a hand in the database leaves it."""
    broken = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
    sound = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
    with gateway.ledger.session() as session:
        session.execute(text("UPDATE webhooks SET secret = 'whsec_a' WHERE id = :id"), {"id": broken["id"]})
    expensed(gateway.ledger)
    await _sent(gateway, sound)
    failed = await _delivery(gateway, broken, lambda one: one["last_error"])
    assert failed["state"] == "pending" and "unforeseen" in failed["last_error"]
    assert gateway.parts.services.states["webhook_sender"].failures == 0


async def test_a_deleted_webhook_is_sent_nothing(gateway: Gateway, receiver: Receiver) -> None:
    hook = (await gateway.anna.post("/webhooks", json={"url": receiver.url})).json()
    assert (await gateway.anna.delete(f"/webhooks/{hook['id']}")).status_code == 204
    expensed(gateway.ledger)
    assert await deliver_due(gateway.ledger, allow_private=True) == 0
    assert (await gateway.anna.get(f"/webhooks/{hook['id']}/deliveries")).status_code == 404


async def test_only_the_chosen_kinds_are_delivered(gateway: Gateway, receiver: Receiver) -> None:
    wanted = {"url": receiver.url, "kinds": ["receipt.quarantined"]}
    hook = (await gateway.anna.post("/webhooks", json=wanted)).json()
    expensed(gateway.ledger)
    assert await _deliveries(gateway, hook) == []
