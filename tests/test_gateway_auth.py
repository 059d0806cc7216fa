"""Nobody without a key reads or writes anything; owners never see each other; scopes hold; every endpoint is tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from importlib.metadata import version
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from gateway_helpers import JPEG, Gateway, early_in_window, key_of
from ledger_helpers import count, expensed, state_of

from deployments.gateway.http.rate_limits import _network_of
from flows.ledger.access import Scope, list_keys, revoke_key
from flows.ledger.database import Ledger

pytest_plugins = ["gateway_helpers"]
# Bucket events have a secret of their own, and these routes say nothing about receipts.
_OPEN = {("get", "/health"), ("get", "/ready"), ("post", "/events/{store}")}
_BODIES: dict[tuple[str, str], dict[str, Any]] = {
    ("post", "/receipts"): {"content": JPEG},
    ("post", "/uploads"): {"json": {"media_type": "image/jpeg"}},
    ("post", "/webhooks"): {"json": {"url": "http://127.0.0.1:9/"}},
    ("post", "/receipts/{receipt_id}/decision"): {"json": {"decision": "undo"}},
    ("post", "/receipts/{receipt_id}/region"): {"json": {"bbox": [0, 0, 10, 10]}},
    ("post", "/receipts/{receipt_id}/checks"): {"json": {"changes": {"total": "1"}}},
    ("post", "/rules"): {"json": {"kind": "merchant", "printed": "Aldi 1", "result": "Aldi"}},
    ("patch", "/expenses/{expense_id}"): {"json": {"corrections": {"tip": "1"}}},
    ("post", "/expenses/{expense_id}/void"): {"json": {"reason": "mine"}},
    ("patch", "/categories/{category_id}"): {"json": {"name": "Mine"}},
    ("post", "/categories/{category_id}/merge"): {"json": {"into": str(uuid4())}},
}


async def _operations(gateway: Gateway) -> Iterator[tuple[str, str]]:
    schema = (await gateway.nobody.get("/openapi.json")).json()
    assert schema["info"]["version"] == version("receiptflow")
    return iter({(method, path) for path, item in schema["paths"].items() for method in item} - _OPEN)


async def _ask(client: httpx.AsyncClient, method: str, path: str, ids: dict[str, str]) -> httpx.Response:
    body = _BODIES.get((method, path), {})
    for name, value in ids.items():
        path = path.replace("{" + name + "}", value)
    return await client.request(method, path, **body)


def _ids() -> dict[str, str]:
    return {name: str(uuid4()) for name in ("receipt_id", "upload_id", "webhook_id", "delivery_id", "category_id")} | {
        "expense_id": f"rf-{uuid4()}"
    }


async def test_no_endpoint_answers_without_a_valid_key(gateway: Gateway) -> None:
    revoked = key_of(gateway.ledger, "anna")
    with gateway.ledger.session() as session:
        newest = max(list_keys(session=session), key=lambda key: key.created_at)
        revoke_key(newest.id, session=session)
    for method, path in await _operations(gateway):
        for key in (None, "Bearer rf_wrong", "Bearer " + "x" * 5000, f"Bearer {revoked}", "Basic YTpi"):
            client = gateway.nobody
            client.headers = httpx.Headers({"Authorization": key} if key else {})
            answer = await _ask(client, method, path, _ids())
            assert answer.status_code == 401, (method, path, key, answer.text)
            assert answer.headers["www-authenticate"] == "Bearer"
    assert count(gateway.ledger, "receipts") == count(gateway.ledger, "uploads") == 0


async def test_a_stranger_finds_nothing_and_changes_nothing(gateway: Gateway) -> None:
    ids = await _things_of_anna(gateway)
    for method, path in await _operations(gateway):
        if not ids.keys() & set(re.findall(r"{(\w+)}", path)):
            continue  # a year or an export's target is nobody's: everybody gets their own
        answer = await _ask(gateway.bert, method, path, ids)
        nothing = await _ask(gateway.bert, method, path, _ids())
        assert (answer.status_code, nothing.status_code) == (404, 404), (method, path, answer.text, nothing.text)
        # An id of somebody else and an id of nobody must look the same.
        assert _without_ids(answer) == _without_ids(nothing)
    for path in ("/receipts", "/expenses"):
        assert (await gateway.bert.get(path)).json()["items"] == []
        assert len((await gateway.anna.get(path)).json()["items"]) >= 1
    assert (await gateway.bert.get("/webhooks")).json() == []
    assert state_of(gateway.ledger, UUID(ids["receipt_id"])) == "expensed"


async def _things_of_anna(gateway: Gateway) -> dict[str, str]:
    receipt = expensed(gateway.ledger, "anna/1.jpg")
    upload = (await gateway.anna.post("/uploads", json={"media_type": "image/jpeg"})).json()
    hook = (await gateway.anna.post("/webhooks", json={"url": "http://127.0.0.1:9/"})).json()
    expensed(gateway.ledger, "anna/2.jpg", "cd" * 32, total=99)
    deliveries = (await gateway.anna.get(f"/webhooks/{hook['id']}/deliveries")).json()["items"]
    return {
        "receipt_id": str(receipt.receipt_id),
        "upload_id": upload["upload_id"],
        "webhook_id": hook["id"],
        "delivery_id": deliveries[0]["id"],
        "category_id": (await gateway.anna.post("/categories", json={"name": "Hers"})).json()["id"],
        "expense_id": (await gateway.anna.get("/expenses")).json()["items"][0]["id"],
    }


def _without_ids(answer: httpx.Response) -> str:
    return re.sub(r"(rf-)?[0-9a-f-]{36}", "ID", answer.text)


@pytest.mark.parametrize("scope", list(Scope))
async def test_a_scope_opens_its_own_endpoints_only(gateway: Gateway, scope: Scope) -> None:
    key = key_of(gateway.ledger, "anna", scope)
    async with httpx.AsyncClient(base_url=gateway.url, headers={"X-API-Key": key}, timeout=30) as client:
        tried = {
            Scope.UPLOAD: await client.post("/receipts", content=JPEG),
            Scope.READ: await client.get("/expenses"),
            Scope.REVIEW: await client.post(f"/expenses/rf-{uuid4()}/restore"),
            Scope.ADMIN: await client.get("/webhooks"),
            Scope.OPERATOR: await client.get("/metrics"),
        }
    opens = {scope, Scope.REVIEW} if scope is Scope.ADMIN else {scope}
    for needed, answer in tried.items():
        assert (answer.status_code == 403) == (needed not in opens), (needed, answer.status_code)


async def test_an_address_without_a_valid_key_is_limited_and_locks_nobody_out(
    start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]],
) -> None:
    async with start_gateway(refusal_rate="5/minute") as gateway:
        await early_in_window(60)
        assert (await gateway.anna.get("/receipts")).status_code == 200
        tried = []
        for number in range(8):
            gateway.nobody.headers = httpx.Headers({"Authorization": f"Bearer rf_wrong{number}"})
            tried.append(await gateway.nobody.get("/receipts"))
        assert [answer.status_code for answer in tried] == [401] * 5 + [429] * 3
        assert 1 <= int(tried[-1].headers["retry-after"]) <= 60
        assert gateway.parts.keys.was_valid("rf_wrong7") is False
        looked_up = set(gateway.parts.keys._kept)
        assert "rf_wrong4" in looked_up and "rf_wrong5" not in looked_up, "it cost no look-up"
        gateway.nobody.headers = httpx.Headers()
        assert (await gateway.nobody.get("/receipts")).status_code == 429
        wrong_event = {"Authorization": "Bearer guessed"}
        assert (await gateway.nobody.post("/events/minio", headers=wrong_event)).status_code == 429
        # From the same address: who was let in before still is, and what needs no key still answers.
        assert (await gateway.anna.get("/receipts")).status_code == 200
        assert (await gateway.nobody.get("/health")).status_code == 200


def test_a_stranger_is_an_ipv4_address_or_an_ipv6_network() -> None:
    assert _network_of("203.0.113.7") == _network_of("::ffff:203.0.113.7") == "203.0.113.7"
    assert _network_of("2001:db8::1") == _network_of("2001:db8::2:3") != _network_of("2001:db8:0:1::1")
    assert _network_of("") == _network_of("testclient") == "unknown"


async def test_an_owner_is_a_whole_folder_name(gateway: Gateway) -> None:
    expensed(gateway.ledger, "annabel/1.jpg")
    assert (await gateway.anna.get("/receipts")).json()["items"] == []


async def test_health_tells_nothing_and_needs_nothing(gateway: Gateway, ledger: Ledger) -> None:
    assert (await gateway.nobody.get("/health")).json() == {"status": "ok", "version": version("receiptflow")}
    parts = {"ready", "ledger", "storage", "prefect", "services", "disk_low"}
    assert set((await gateway.nobody.get("/ready")).json()) == parts
