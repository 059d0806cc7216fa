"""The API of a person's word: what was read, the queue, decisions one by one and by the thousand, corrections."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from gateway_helpers import Gateway, early_in_window, key_of
from ledger_helpers import EXTRACTION, begun, claimed, expensed, some_fields

from flows.domain.fields import BBox, DocumentText, Found, Page, ReceiptFields, Word
from flows.ledger.access import Scope
from flows.ledger.database import Ledger
from flows.ledger.decisions import Book, decide
from flows.ledger.receipts import record_expense, record_review
from flows.ledger.schema import Via
from flows.ledger.values import Actor, Extraction
from flows.reading.parser import parse_receipt

pytest_plugins = ["gateway_helpers"]


def unsure(**fields: object) -> ReceiptFields:
    """A reading of which a person is asked the total."""
    read = some_fields(**fields)
    assert read.total is not None
    total = Found(value=read.total.value, confidence=0.6, page=1, bbox=BBox(1, 2, 3, 4), evidence="SUMME 12,50")
    return read.model_copy(update={"total": total, "decision": "review", "reasons": ("The total is unsure.",)})


def in_review(ledger: Ledger, key: str = "anna/1.jpg", sha256: str = "ab" * 32, **fields: object) -> UUID:
    attempt = claimed(ledger, key, sha256)
    with ledger.session() as session:
        record_review(attempt, unsure(**fields), EXTRACTION, session=session)
    return attempt.receipt_id


async def decided(gateway: Gateway, receipt_id: UUID, client: httpx.AsyncClient | None = None, **wanted: Any) -> Any:
    return await (client or gateway.anna).post(f"/receipts/{receipt_id}/decision", json=wanted)


async def test_what_was_read_is_told_in_review_with_boxes_and_checks(gateway: Gateway, ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    shown = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()
    reading = shown["reading"]
    total = next(field for field in reading["fields"] if field["name"] == "total")
    assert (total["value"], total["confidence"], total["bbox"]) == ("12.50", 0.6, [1, 2, 3, 4])
    assert (total["evidence"], total["correction"], total["differs"]) == ("SUMME 12,50", None, False)
    assert (reading["reasons"], reading["line_items"][0]["description"]) == (["The total is unsure."], "Brot")
    assert shown["expense"] is None
    waiting = await gateway.accepted()
    fresh = (await gateway.anna.get(waiting["status_url"])).json()["reading"]
    assert (fresh["fields"], fresh["reasons"]) == ([], [])


async def test_a_receipt_is_decided_corrected_and_undone_and_tells_its_history(
    gateway: Gateway, ledger: Ledger
) -> None:
    receipt_id = in_review(ledger)
    queue = (await gateway.anna.get("/review")).json()["items"]
    assert [(one["receipt_id"], one["total"], one["reason_code"]) for one in queue] == [
        (str(receipt_id), "12.50", "unsure")
    ]
    booked = await decided(
        gateway, receipt_id, decision="book", corrections={"total": 19.46}, seen=queue[0]["updated_at"]
    )
    assert booked.status_code == 200, booked.text
    expense = booked.json()["expenses"][0]
    assert (booked.json()["state"], expense["total"], expense["revision"]) == ("expensed", "19.46", 1)
    late = await decided(gateway, receipt_id, decision="dismiss", reason="not_mine", seen=queue[0]["updated_at"])
    assert (late.status_code, late.json()["changes"][0]) == (409, "test: book")
    corrected = await gateway.anna.patch(
        f"/expenses/{expense['id']}", json={"corrections": {"merchant": "Café"}, "seen": 1, "reason": "its sign"}
    )
    assert (corrected.status_code, corrected.json()["expenses"][0]["merchant"]) == (200, "Café")
    late = await gateway.anna.patch(f"/expenses/{expense['id']}", json={"corrections": {"tip": "1"}, "seen": 1})
    assert late.status_code == 409
    undone = await decided(gateway, receipt_id, decision="undo")
    assert undone.json()["expenses"][0]["merchant"] == "Markt am Eck"
    told = (await gateway.anna.get(f"/receipts/{receipt_id}/history")).json()["items"]
    merchants = [(one["who"], one["before"], one["after"], one["reason"]) for one in told if one["field"] == "merchant"]
    assert merchants[1] == ("test", "Markt am Eck", "Café", "its sign")
    assert [one["what"] for one in told if one["what"] in {"book", "correct", "undo"}] == ["book", "correct", "undo"]
    voided = await gateway.anna.post(f"/expenses/{expense['id']}/void", json={"reason": "private"})
    assert (voided.json()["state"], voided.json()["expenses"]) == ("dismissed", [])
    restored = await gateway.anna.post(f"/expenses/{expense['id']}/restore")
    assert (restored.json()["state"], restored.json()["expenses"][0]["total"]) == ("expensed", "19.46")


async def test_a_picture_of_two_is_split_and_a_repeated_purchase_is_named(gateway: Gateway, ledger: Ledger) -> None:
    first = expensed(ledger).receipt_id
    second = in_review(ledger, "anna/2.jpg", "cd" * 32)
    refused = await decided(gateway, second, decision="book")
    assert (refused.status_code, refused.json()["same_purchase_as"]) == (409, str(first))
    split = await decided(gateway, second, decision="split", parts=[{"total": "7.50"}, {"total": "5", "notes": "x"}])
    assert [(one["part"], one["total"], one["notes"]) for one in split.json()["expenses"]] == [
        (0, "7.50", None),
        (1, "5", "x"),
    ]
    refused = await decided(gateway, second, decision="dismiss", reason="duplicate_of")
    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "duplicate_of")
    repeated = await decided(gateway, second, decision="dismiss", reason="duplicate_of", duplicate_of=str(first))
    assert repeated.json()["state"] == "dismissed"
    shown = (await gateway.anna.get(f"/receipts/{second}")).json()
    assert (shown["reading"]["settled"], shown["reading"]["same_purchase"]["receipt_id"]) == ("dismissed", str(first))


@pytest.mark.parametrize(
    ("corrections", "field"),
    [
        ({"purchase_date": "3026-01-01"}, "purchase_date"),
        ({"total": "NaN"}, "total"),
        ({"currency": "XYZ"}, "currency"),
        ({"merchant": "x" * 1_000_000}, "merchant"),
        ({"owner": "bert"}, "owner"),
    ],
)
async def test_bad_values_are_refused_by_their_fields_name(
    gateway: Gateway, ledger: Ledger, corrections: dict[str, str], field: str
) -> None:
    receipt_id = in_review(ledger)
    refused = await decided(gateway, receipt_id, decision="book", corrections=corrections)
    assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, field)
    assert len(refused.text) < 2000
    assert (await gateway.anna.get(f"/receipts/{receipt_id}")).json()["state"] == "review"


async def test_tax_rows_are_corrected_as_lines_are(gateway: Gateway, ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    for given, problem in (
        ({"taxes/2/rate": "7"}, "there is no such row: it has 1 rows"),
        ({"taxes/1/rate": "NaN"}, "is no number"),
        ({"taxes/1/name": "7"}, "no such field"),
        ({"taxes": [{"rat": "7"}]}, "needs a rate, net or amount"),
        ({"taxes": [{"rate": "7", "kind": "x"}]}, "a row has rate, net, amount"),
    ):
        refused = await decided(gateway, receipt_id, decision="book", corrections=given)
        assert (refused.status_code, problem in refused.text) == (422, True), refused.text
    first = await decided(gateway, receipt_id, decision="book", corrections={"taxes/1/rate": "7", "taxes/1/net": None})
    assert first.status_code == 200, first.text
    reading = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()["reading"]
    assert (reading["taxes"][0]["rate"], reading["taxes"][0]["net"]) == ("7", None)
    two = [{"rate": "7", "net": "5.00", "amount": "0.35"}, {"rate": "19", "amount": "1.00"}]
    await decided(gateway, receipt_id, decision="book", corrections={"taxes": two})
    reading = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()["reading"]
    assert [row["amount"] for row in reading["taxes"]] == ["0.35", "1.00"]
    await decided(gateway, receipt_id, decision="undo")
    reading = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()["reading"]
    assert [(row["rate"], row["net"]) for row in reading["taxes"]] == [("7", None)]
    checks = await gateway.anna.post(
        f"/receipts/{receipt_id}/checks", json={"changes": {"taxes/1/rate": "50", "taxes/1/net": "1"}}
    )
    told = [check for check in checks.json()["checks"] if check["name"] == "tax_rate"]
    assert [check["held"] for check in told] == [False]


def page_of(gateway: Gateway, ledger: Ledger, number: int, *lines: str) -> UUID:
    """A receipt in review, read from these lines, whose words are kept."""
    sha256 = f"{number:064x}"
    attempt = claimed(ledger, f"anna/{number}.jpg", sha256)
    words = tuple(
        Word(text=line, confidence=0.99, bbox=BBox(40, 60 * n, 40 + 16 * len(line), 60 * n + 40))
        for n, line in enumerate(lines, start=1)
    )
    page = Page(number=1, width=900, height=1200, words=words)
    text = DocumentText(sha256=sha256, media_type="image/jpeg", engine="t", engine_version="1", pages=(page,))
    gateway.parts.results.put(f"{sha256}/words.json", text.model_dump_json().encode(), "application/json")
    read = parse_receipt(text, today=dt.date(2026, 11, 30))
    with ledger.session() as session:
        kept = Extraction("t", "1", words_key=f"{sha256}/words.json", text=text.plain)
        record_review(attempt, read, kept, reasons=("a page is missing",), session=session)
    return attempt.receipt_id


async def test_pages_that_are_joined_are_read_together(gateway: Gateway, ledger: Ledger) -> None:
    head = ("MARKT AM ECK GmbH", "Hauptstr. 5, 80331 München", "20.11.2026 14:05", "Brot 4,50 EUR", "Käse 8,00 EUR")
    first = page_of(gateway, ledger, 1, *head)
    second = page_of(gateway, ledger, 2, "Wein 7,00 EUR", "SUMME EUR 19,50", "BAR EUR 20,00", "Rückgeld EUR 0,50")
    alone = {one["name"]: one["value"] for one in await fields_of(gateway, first)}
    assert alone["total"] != "19.50"
    wanted: dict[str, Any] = {"decision": "join", "pages": [str(second)], "corrections": {"notes": "two photos"}}
    assert (await decided(gateway, first, client=gateway.bert, **wanted)).status_code == 404
    joined = await decided(gateway, first, **wanted)
    assert joined.status_code == 200, joined.text
    (expense,) = joined.json()["expenses"]
    assert (expense["total"], expense["purchase_date"], expense["currency"]) == ("19.50", "2026-11-20", "EUR")
    assert "MARKT AM ECK" in expense["merchant"].upper()
    reading = (await gateway.anna.get(f"/receipts/{first}")).json()["reading"]
    assert [line["description"] for line in reading["line_items"]] == ["Brot", "Käse", "Wein"]
    assert [page["receipt_id"] for page in reading["pages"]] == [str(second)]
    assert (await gateway.anna.get(f"/receipts/{second}")).json()["state"] == "dismissed"
    undone = await decided(gateway, first, decision="undo")
    assert undone.json()["state"] == "review"
    assert (await gateway.anna.get(f"/receipts/{second}")).json()["state"] == "review"
    for pages, status in (([], 422), ([str(first)], 422), ([str(uuid4())], 422), ([str(second)] * 2, 422)):
        assert (await decided(gateway, first, decision="join", pages=pages)).status_code == status


async def fields_of(gateway: Gateway, receipt_id: UUID) -> Any:
    return (await gateway.anna.get(f"/receipts/{receipt_id}")).json()["reading"]["fields"]


async def test_a_body_without_end_is_refused_while_it_comes(gateway: Gateway, ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    refused = await decided(gateway, receipt_id, decision="book", corrections={"merchant": "x" * 10_000_000})
    assert refused.status_code == 413


async def test_strangers_and_keys_without_the_scope_are_refused_everywhere(gateway: Gateway, ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    with ledger.session() as session:
        booked = decide(receipt_id, Book(), Actor("anna", Via.CLI), session=session).expenses[0]
    bulk = {"decisions": [{"receipt_id": str(receipt_id), "decision": {"decision": "undo"}}]}
    reads = [("GET", f"/receipts/{receipt_id}/{what}", None) for what in ("history", "words")]
    reads += [("POST", f"/receipts/{receipt_id}/checks", {"changes": {"total": "1"}})]  # type: ignore[list-item]  # a body
    writes: list[tuple[str, str, Any]] = [
        ("POST", f"/receipts/{receipt_id}/decision", {"decision": "undo"}),
        ("PATCH", f"/expenses/{booked.public_id}", {"corrections": {"tip": "1"}}),
        ("POST", f"/expenses/{booked.public_id}/void", {"reason": "mine"}),
        ("POST", f"/expenses/{booked.public_id}/restore", None),
        ("POST", f"/receipts/{receipt_id}/region", {"bbox": [0, 0, 10, 10]}),
    ]
    reader = httpx.AsyncClient(
        base_url=gateway.url, headers={"Authorization": f"Bearer {key_of(ledger, 'anna', Scope.READ, Scope.UPLOAD)}"}
    )
    async with reader:
        for method, path, body in [*reads, *writes]:
            assert (await gateway.bert.request(method, path, json=body)).status_code == 404, path
            assert (await gateway.nobody.request(method, path, json=body)).status_code == 401, path
        for method, path, body in [*writes, ("POST", "/review/decisions", bulk)]:
            assert (await reader.request(method, path, json=body)).status_code == 403, path
    assert (await gateway.bert.get("/review")).json()["items"] == []
    answer = (await gateway.bert.post("/review/decisions", json=bulk)).json()["results"][0]
    assert (answer["status"], answer["decided"]) == (404, None)
    with ledger.session() as session:
        assert decide(receipt_id, Book(), Actor("anna", Via.CLI), session=session).changed is False


async def test_a_thousand_are_decided_of_which_half_cannot_be(gateway: Gateway, ledger: Ledger) -> None:
    able = [in_review(ledger, f"anna/{n}.jpg", f"{n:064x}", total=n + 1) for n in range(20)]
    ids = [able[n // 2] if n % 2 == 0 and n < 40 else uuid4() for n in range(1000)]
    one = {"decision": "book", "corrections": {"category": "x"}}
    wanted = [{"receipt_id": str(each), "decision": {"decision": "book"}} for each in ids]
    answer = await gateway.anna.post("/review/decisions", json={"decisions": wanted})
    assert answer.status_code == 200, answer.text
    results = answer.json()["results"]
    assert [UUID(each["receipt_id"]) for each in results] == ids
    assert [each["status"] for each in results] == [200 if each in able else 404 for each in ids]
    many = [{"receipt_id": str(uuid4()), "decision": one}] * 1001
    assert (await gateway.anna.post("/review/decisions", json={"decisions": many})).status_code == 422


async def test_two_people_at_once_are_told_of_each_other(gateway: Gateway, ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    seen = (await gateway.anna.get("/review")).json()["items"][0]["updated_at"]
    both = await asyncio.gather(
        decided(gateway, receipt_id, decision="book", corrections={"total": "1"}, seen=seen),
        decided(gateway, receipt_id, decision="book", corrections={"total": "2"}, seen=seen),
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]
    won = next(answer for answer in both if answer.status_code == 200).json()
    shown = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()
    assert shown["expense"]["total"] == won["expenses"][0]["total"]


async def test_words_and_checks_are_told_as_they_were_read(gateway: Gateway, ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    assert (await gateway.anna.get(f"/receipts/{receipt_id}/words")).status_code == 404  # not kept
    word = Word(text="SUMME", confidence=0.9, bbox=BBox(1, 2, 3, 4))
    page = Page(number=1, width=10, height=20, words=(word,))
    text = DocumentText(sha256="ab", media_type="image/jpeg", engine="tesseract", engine_version="5", pages=(page,))
    gateway.parts.results.put(EXTRACTION.words_key, text.model_dump_json().encode(), "application/json")
    words = (await gateway.anna.get(f"/receipts/{receipt_id}/words")).json()
    assert words["pages"][0]["words"][0]["text"] == "SUMME"
    lines = {"line_items/1/quantity": "2", "line_items/1/unit_price": "2.25", "line_items/1/total": "4.60"}
    checks = await gateway.anna.post(f"/receipts/{receipt_id}/checks", json={"changes": lines})
    told = next(check for check in checks.json()["checks"] if check["name"] == "item_price")
    assert (told["held"], told["detail"]) == (False, "line 1: 2 × 2.25 is not 4.60")
    wrong = await gateway.anna.post(f"/receipts/{receipt_id}/checks", json={"changes": {"total": "NaN"}})
    assert wrong.status_code == 422


async def test_a_receipt_that_is_read_again_keeps_what_was_decided(gateway: Gateway, ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    await decided(gateway, receipt_id, decision="book", corrections={"total": "19.46"})
    again = begun(ledger, receipt_id, force=True)
    with ledger.session() as session:
        fields = some_fields(total=99).model_copy(update={"parser_version": "2"})
        record_expense(again, fields, EXTRACTION, session=session)
    shown = (await gateway.anna.get(f"/receipts/{receipt_id}")).json()
    assert (shown["state"], shown["expense"]["total"]) == ("expensed", "19.46")
    total = next(field for field in shown["reading"]["fields"] if field["name"] == "total")
    assert (total["machine"], total["differs"], total["correction"]["actor"]) == ("99", True, "test")


async def test_a_region_says_why_it_is_not_read_and_costs_a_rate(
    start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]], ledger: Ledger
) -> None:
    receipt_id = in_review(ledger)
    async with start_gateway(region_rate="2/hour") as gateway:
        await early_in_window(3600)
        path = f"/receipts/{receipt_id}/region"
        for body in ('{"bbox": [0, 0, 10]}', '{"bbox": [0, 0, 1e999, 10]}', '{"bbox": [0, 0, 9, 9], "page": 0}'):
            wrong = await gateway.anna.post(path, content=body, headers={"Content-Type": "application/json"})
            assert wrong.status_code == 422, body
        away = [await gateway.anna.post(path, json={"bbox": [0, 0, 10, 10]}) for _ in range(3)]
        assert [answer.status_code for answer in away] == [503, 503, 429]
        assert "Type the value" in away[0].json()["detail"] and away[0].headers["Retry-After"]
        unread = (await gateway.accepted())["receipt_id"]
        early = await gateway.bert.post(f"/receipts/{unread}/region", json={"bbox": [0, 0, 10, 10]})
        assert early.status_code == 404
