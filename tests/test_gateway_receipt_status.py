"""What becomes of a receipt: at once, when it is done, live, in lists of stable pages, and as pictures."""

from __future__ import annotations

import asyncio
import io
import json
from typing import Any
from uuid import UUID

from gateway_helpers import JPEG, Gateway
from ledger_helpers import EXTRACTION, begun, claimed, expensed, some_fields
from PIL import Image

from flows.domain.fields import BBox, DocumentText, Found, Page, ReceiptFields
from flows.ledger.receipts import claim_content, record_expense, record_quarantine
from flows.ledger.values import Attempt, Extraction

pytest_plugins = ["gateway_helpers"]


def _book(gateway: Gateway, attempt: Attempt) -> None:
    with gateway.ledger.session() as session:
        record_expense(attempt, some_fields(), EXTRACTION, session=session)


async def test_a_receipt_tells_its_history_and_its_expense(gateway: Gateway) -> None:
    attempt = expensed(gateway.ledger)
    receipt = (await gateway.anna.get(f"/receipts/{attempt.receipt_id}")).json()
    assert (receipt["state"], receipt["in_words"]) == ("expensed", "It was read and posted as an expense.")
    assert [change["to_state"] for change in receipt["history"]] == ["waiting", "running", "expensed"]
    assert receipt["expense"]["total"] == "12.50"
    assert [line["description"] for line in receipt["expense"]["line_items"]] == ["Brot", "Käse"]
    assert receipt["steps"] is None  # Prefect is away, and the answer comes all the same


async def test_a_long_poll_answers_when_the_receipt_is_done(gateway: Gateway) -> None:
    attempt = claimed(gateway.ledger)
    poll = asyncio.create_task(gateway.anna.get(f"/receipts/{attempt.receipt_id}?wait=20"))
    await asyncio.sleep(0.6)
    assert not poll.done()
    await asyncio.to_thread(_book, gateway, attempt)
    assert (await poll).json()["state"] == "expensed"
    waiting = await gateway.accepted()
    assert (await gateway.anna.get(f"{waiting['status_url']}?wait=1")).json()["state"] == "waiting"


async def test_events_tell_each_change_and_end_with_the_last(gateway: Gateway) -> None:
    accepted = await gateway.accepted()
    receipt_id = UUID(accepted["receipt_id"])
    seen: list[tuple[str, Any]] = []
    async with gateway.anna.stream("GET", f"{accepted['status_url']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        event = ""
        async for line in stream.aiter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                event = value
            if name == "data":
                seen.append((event, json.loads(value)["state"] if event == "receipt" else value))
                await asyncio.to_thread(_go_on, gateway, receipt_id, len(seen))
    assert [state for kind, state in seen if kind == "receipt"] == ["waiting", "running", "quarantined"]
    assert seen[-1] == ("end", "quarantined")
    assert gateway.parts.watcher._watches == {}


def _go_on(gateway: Gateway, receipt_id: UUID, step: int) -> None:
    if step == 1:
        gateway.attempt = begun(gateway.ledger, receipt_id)  # type: ignore[attr-defined]  # kept for the next step
    if step == 2:
        with gateway.ledger.session() as session:
            record_quarantine(gateway.attempt, "no picture", session=session)  # type: ignore[attr-defined]


async def test_pages_are_stable_while_receipts_come_in(gateway: Gateway) -> None:
    for number in range(5):
        await gateway.accepted(JPEG + bytes([number]))
    first = (await gateway.anna.get("/receipts?limit=2")).json()
    await gateway.accepted(JPEG + b"new")
    second = (await gateway.anna.get("/receipts", params={"limit": 2, "after": first["next"]})).json()
    third = (await gateway.anna.get("/receipts", params={"limit": 2, "after": second["next"]})).json()
    keys = [one["receipt_id"] for page in (first, second, third) for one in page["items"]]
    assert len(keys) == len(set(keys)) == 5
    assert third["next"] is None


async def test_lists_are_filtered(gateway: Gateway) -> None:
    expensed(gateway.ledger)
    await gateway.accepted()

    async def count(path: str, **params: Any) -> int:
        answer = await gateway.anna.get(path, params=params)
        assert answer.status_code == 200, answer.text
        return len(answer.json()["items"])

    assert await count("/receipts", state="waiting") == 1
    assert await count("/receipts", state=["waiting", "expensed"]) == 2
    assert await count("/receipts", received_from="2999-01-01T00:00:00Z") == 0
    assert await count("/expenses", merchant="markt AM") == 1
    assert await count("/expenses", merchant="%") == 0
    assert await count("/expenses", total_from="12.50", total_to="12.50", currency="EUR") == 1
    assert await count("/expenses", date_from="2026-11-20", date_to="2026-11-20") == 1
    assert await count("/expenses", total_to="12.49") == 0
    assert await count("/expenses", text="bro") == 1
    assert await count("/expenses", text="bread") == 0
    sums = await gateway.anna.get("/expenses/sums?by=month")
    assert sums.json() == {
        "by": "month",
        "items": [{"key": "2026-11", "count": 1, "totals": {"EUR": "12.50"}, "home_total": None, "unconverted": 0}],
    }
    assert (await gateway.bert.get("/expenses/sums?by=year")).json()["items"] == []
    for path in (
        "/receipts?after=x",
        "/receipts?after=WzFd",
        "/expenses?limit=0",
        "/expenses?total_from=NaN",
        "/expenses?text=!",
        "/expenses/sums",
        "/expenses/sums?by=colour",
        "/receipts?x=1",
    ):
        assert (await gateway.anna.get(path)).status_code == 422, path


async def test_the_original_is_given_back_as_a_harmless_file(gateway: Gateway) -> None:
    page = b"<script>alert(1)</script>" + JPEG
    accepted = await gateway.accepted(page, **{"Content-Type": "text/html"})
    image = await gateway.anna.get(f"{accepted['status_url']}/image")
    assert image.content == page
    assert image.headers["content-type"] == "application/octet-stream"
    assert image.headers["content-disposition"].startswith("attachment;")
    assert image.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in image.headers["content-security-policy"]


async def test_the_annotated_page_is_drawn_from_what_was_kept(gateway: Gateway) -> None:
    accepted = await gateway.accepted()
    missing = await gateway.anna.get(f"{accepted['status_url']}/annotated")
    assert missing.status_code == 404
    attempt = begun(gateway.ledger, UUID(accepted["receipt_id"]))
    await asyncio.to_thread(_read, gateway, attempt)
    picture = await gateway.anna.get(f"{accepted['status_url']}/annotated")
    assert picture.status_code == 200, picture.text
    with Image.open(io.BytesIO(picture.content), formats=["JPEG"]) as opened:
        assert opened.size == (200, 300)
        assert opened.getpixel((50, 48)) != (255, 255, 255)


def _read(gateway: Gateway, attempt: Attempt) -> None:
    sha256 = "ef" * 32
    text = DocumentText(
        sha256=sha256,
        media_type="image/jpeg",
        engine="tesseract",
        engine_version="1",
        pages=(Page(number=1, width=400, height=600, words=()),),
    )
    preview = io.BytesIO()
    Image.new("RGB", (200, 300), "white").save(preview, "JPEG")
    gateway.parts.results.put(f"{sha256}/preview.jpg", preview.getvalue(), "image/jpeg")
    gateway.parts.results.put_model(f"{sha256}/words.json", text)
    merchant = Found[str](value="Markt", confidence=0.9, page=1, bbox=BBox(100, 100, 200, 140))
    fields = some_fields().model_copy(update={"merchant": merchant})
    assert isinstance(fields, ReceiptFields)
    with gateway.ledger.session() as session:
        claim_content(attempt, sha256, session=session)
        read = Extraction("tesseract", "1", words_key=f"{sha256}/words.json")
        record_expense(attempt, fields, read, session=session)
