"""Review on the pages: the queue, deciding and what comes next, undo, conflicts, bulk; strangers stay out."""

from __future__ import annotations

import re
from decimal import Decimal
from html import unescape
from uuid import UUID

import pytest
from gateway_helpers import Gateway
from ledger_helpers import EXTRACTION, claimed, count, expensed, received, some_fields, state_of
from page_helpers import Browser

from flows.ledger.expenses import find_expenses
from flows.ledger.expenses.search import Wanted
from flows.ledger.receipts import record_expense, record_review

pytest_plugins = ["gateway_helpers", "page_helpers"]


def in_review(gateway: Gateway, number: int, **fields: object) -> UUID:
    """A receipt of anna's that waits for a person."""
    attempt = claimed(gateway.ledger, f"anna/{number}.jpg", f"{number:064x}")
    read = some_fields(**{"merchant": f"Shop {number}", "total": Decimal(number)} | fields)
    read = read.model_copy(update={"decision": "review", "reasons": ("total: nothing confirms it",)})
    with gateway.ledger.session() as session:
        record_review(attempt, read, EXTRACTION, reasons=read.reasons, session=session)
    return attempt.receipt_id


async def form_of(browser: Browser, receipt: UUID) -> dict[str, str]:
    """What the review's form would send."""
    page = (await browser.client.get(f"/app/review/{receipt}")).text
    form = page.split('id="review-form"', 1)[1].split("</form>", 1)[0]
    inputs = re.findall(r'<input[^>]* name="([\w/-]+)"[^>]*? value="([^"]*)"', form)
    return {name: unescape(value) for name, value in inputs}


def booked(gateway: Gateway) -> list[tuple[str | None, Decimal]]:
    with gateway.ledger.session() as session:
        found = find_expenses(Wanted(owner="anna"), session=session)
        return sorted((one.merchant, one.total) for one in found)


async def test_an_empty_queue_tells_what_is_still_being_read(gateway: Gateway, reviewer: Browser) -> None:
    assert "being read" not in (await reviewer.client.get("/app/review")).text
    claimed(gateway.ledger, "anna/1.jpg", "ab" * 32)
    received(gateway.ledger, "anna/2.jpg")
    received(gateway.ledger, "bert/3.jpg")
    page = (await reviewer.client.get("/app/review")).text
    assert "Nothing waits for you." in page and "2 are still being read." in page


@pytest.mark.parametrize("asked_for", ["checks", "overview"])
async def test_what_was_done_is_told_though_a_part_of_the_page_is_asked_for_meanwhile(
    gateway: Gateway, reviewer: Browser, asked_for: str
) -> None:
    first, second = in_review(gateway, 1), in_review(gateway, 2)
    form, script = await form_of(reviewer, first), {"HX-Request": "true"}
    answer = await reviewer.client.post(f"/app/review/{first}/book", data=form)
    if asked_for == "checks":
        checks = await reviewer.client.post(f"/app/review/{second}/checks", data=form, headers=script)
    else:
        checks = await reviewer.client.get("/app/", headers=script)
    assert checks.status_code == 200 and "Booked" not in checks.text
    boosted = script | {"HX-Boosted": "true"}
    onwards = await reviewer.client.get(answer.headers["location"], headers=boosted)
    page = await reviewer.client.get(onwards.headers["location"], headers=boosted)
    assert "Booked: Shop 1" in page.text
    assert "Booked: Shop 1" not in (await reviewer.client.get("/app/review")).text


async def test_booking_with_a_correction_opens_the_next(gateway: Gateway, reviewer: Browser) -> None:
    first, second = in_review(gateway, 1), in_review(gateway, 2)
    form = await form_of(reviewer, first) | {"total": "19,46", "merchant": "Corner Shop"}
    answer = await reviewer.client.post(f"/app/review/{first}/book", data=form)
    assert answer.headers["location"] == f"/app/review/next?after={first}&last={first}"
    onwards = await reviewer.client.get(answer.headers["location"])
    assert onwards.headers["location"] == f"/app/review/{second}?last={first}"
    page = (await reviewer.client.get(onwards.headers["location"])).text
    assert "Booked: Corner Shop, 19.46 EUR" in page
    assert f"/app/review/{first}/undo" in page
    assert booked(gateway) == [("Corner Shop", Decimal("19.46"))]
    history = (await reviewer.client.get(f"/app/receipts/{first}")).text
    assert "<strong>Rea</strong>" in history


async def test_undo_lets_it_wait_again(gateway: Gateway, reviewer: Browser) -> None:
    receipt = in_review(gateway, 1)
    await reviewer.client.post(f"/app/review/{receipt}/book", data=await form_of(reviewer, receipt))
    assert state_of(gateway.ledger, receipt) == "expensed"
    answer = await reviewer.client.post(f"/app/review/{receipt}/undo", data={"csrf": reviewer.token})
    assert answer.headers["location"] == f"/app/review/{receipt}"
    assert state_of(gateway.ledger, receipt) == "review"
    again = await reviewer.client.post(f"/app/review/{receipt}/undo", data={"csrf": reviewer.token})
    assert again.status_code == 409


async def test_what_was_typed_is_another_ones_purchase_and_the_person_says_which(
    gateway: Gateway, reviewer: Browser
) -> None:
    posted = expensed(gateway.ledger, "anna/x.jpg", "cd" * 32, merchant="Shop 1", total=Decimal(5)).receipt_id
    receipt = in_review(gateway, 1)
    form = await form_of(reviewer, receipt) | {"total": "5"}
    asked = await reviewer.client.post(f"/app/review/{receipt}/book", data=form, headers={"HX-Request": "true"})
    assert asked.status_code == 409 and asked.text.startswith('<div id="message">')
    assert f'name="duplicate_of" value="{posted}"' in asked.text and "data-keep" in asked.text
    plain = await reviewer.client.post(f"/app/review/{receipt}/book", data=form)
    assert plain.headers["location"] == f"/app/review/{receipt}?same={posted}"
    assert state_of(gateway.ledger, receipt) == "review"
    page = (await reviewer.client.get(plain.headers["location"])).text
    assert 'name="keep_both" value="1"' in page and "Keep both and book" in page
    await reviewer.client.post(f"/app/review/{receipt}/book", data=form | {"keep_both": "1"})
    assert booked(gateway) == [("Shop 1", Decimal(5)), ("Shop 1", Decimal(5))]


async def test_pages_of_one_receipt_are_joined_in_review_and_in_the_list(
    gateway: Gateway, reviewer: Browser, viewer: Browser, stranger: Browser
) -> None:
    first, second, third = (in_review(gateway, number) for number in (1, 2, 3))
    page = (await reviewer.client.get(f"/app/review/{first}")).text
    assert f'name="page" value="{second}"' in page and f'name="page" value="{first}"' not in page
    form = {"csrf": reviewer.token, "page": [str(second)]}
    for browser, status in ((viewer, 403), (stranger, 404)):
        answer = await browser.client.post(f"/app/review/{first}/join", data=form | {"csrf": browser.token})
        assert answer.status_code == status, answer.text
    for path in (f"/app/review/{first}/join", "/app/receipts/join"):
        assert (await reviewer.client.post(path, data={"csrf": reviewer.token})).status_code == 422
    answer = await reviewer.client.post(f"/app/review/{first}/join", data=form)
    assert answer.headers["location"].startswith("/app/review/next?after=")
    assert [state_of(gateway.ledger, one) for one in (first, second, third)] == ["expensed", "dismissed", "review"]
    assert "A further page of another receipt" in (await viewer.client.get(f"/app/receipts/{second}")).text
    assert f"/app/receipts/{second}" in (await viewer.client.get(f"/app/receipts/{first}")).text
    chosen = {"csrf": reviewer.token, "page": [str(third), str(first)]}
    answer = await reviewer.client.post("/app/receipts/join", data=chosen)
    assert answer.headers["location"] == f"/app/receipts/{first}"  # the one received first
    await reviewer.client.post(f"/app/review/{second}/undo", data={"csrf": reviewer.token})
    assert [state_of(gateway.ledger, one) for one in (first, second, third)] == ["expensed", "review", "dismissed"]


async def test_two_at_once_lose_nothing(gateway: Gateway, reviewer: Browser, admin: Browser) -> None:
    receipt = in_review(gateway, 1)
    mine, theirs = await form_of(reviewer, receipt), await form_of(admin, receipt)
    await reviewer.client.post(f"/app/review/{receipt}/book", data=mine | {"merchant": "Mine"})
    late = await admin.client.post(f"/app/review/{receipt}/book", data=theirs | {"merchant": "Theirs"})
    assert late.status_code == 409
    assert "changed meanwhile" in late.text
    assert booked(gateway) == [("Mine", Decimal(1))]
    # With scripts the message comes alone, so that what was typed stays.
    headers = {"HX-Request": "true"}
    scripted = await admin.client.post(f"/app/review/{receipt}/book", data=theirs | {"total": "9"}, headers=headers)
    assert scripted.status_code == 409
    assert scripted.text.startswith('<div id="message">')


@pytest.mark.parametrize(("field", "value", "words"), [
    ("total", "a lot", "total:"), ("purchase_date", "2026-13-01", "purchase_date:"),
    ("currency", "<script>", "currency:"),
    ("total", "", "total:"), ("merchant", "x" * 300, "merchant:"),
])  # fmt: skip
async def test_what_a_field_cannot_be_is_named(
    gateway: Gateway, reviewer: Browser, field: str, value: str, words: str
) -> None:
    receipt = in_review(gateway, 1)
    form = await form_of(reviewer, receipt) | {field: value}
    checks = await reviewer.client.post(f"/app/review/{receipt}/checks", data=form)
    assert checks.status_code == 200
    assert "✗" in checks.text
    answer = await reviewer.client.post(f"/app/review/{receipt}/book", data=form)
    assert answer.status_code == 422
    assert words in answer.text
    assert "<script>&" not in answer.text
    assert state_of(gateway.ledger, receipt) == "review"


async def test_checks_follow_what_is_typed_and_change_nothing(gateway: Gateway, reviewer: Browser) -> None:
    receipt = in_review(gateway, 1, total=Decimal("12.50"), subtotal=Decimal("10.50"))
    form = await form_of(reviewer, receipt)
    right = (await reviewer.client.post(f"/app/review/{receipt}/checks", data=form)).text
    assert "✓" in right
    wrong = (await reviewer.client.post(f"/app/review/{receipt}/checks", data=form | {"total": "99"})).text
    assert "subtotal 10.50 + 2.00 tax = 12.50" in right
    assert "subtotal 10.50 + 2.00 tax = 12.50" not in wrong
    assert count(gateway.ledger, "corrections") == 0


async def test_dismissing_and_splitting(gateway: Gateway, reviewer: Browser) -> None:
    first, second = in_review(gateway, 1), in_review(gateway, 2)
    data = {"csrf": reviewer.token, "reason": "not_a_receipt"}
    assert (await reviewer.client.post(f"/app/review/{first}/dismiss", data=data)).status_code == 303
    assert state_of(gateway.ledger, first) == "dismissed"
    wrong = await reviewer.client.post(f"/app/review/{second}/dismiss", data=data | {"reason": "because"})
    assert (wrong.status_code, "choose one of" in wrong.text) == (422, True)
    parts = {"csrf": reviewer.token}
    for row, total in enumerate(("3.10", "4.20")):
        parts |= {f"part-{row}-merchant": f"Part {row}", f"part-{row}-total": total}
    assert (await reviewer.client.post(f"/app/review/{second}/split", data=parts)).status_code == 303
    assert booked(gateway) == [("Part 0", Decimal("3.10")), ("Part 1", Decimal("4.20"))]


async def test_many_at_once_keep_going_behind_one_that_is_refused(gateway: Gateway, reviewer: Browser) -> None:
    good, nothing = in_review(gateway, 1), in_review(gateway, 2, total=None)
    data = {"csrf": reviewer.token, "decision": "book", "receipt": [str(nothing), str(good)]}
    answer = await reviewer.client.post("/app/review/bulk", data=data)
    page = (await reviewer.client.get(answer.headers["location"])).text
    assert "1 of 2 done." in page
    assert "total" in page
    assert [state_of(gateway.ledger, one) for one in (good, nothing)] == ["expensed", "review"]


async def test_strangers_and_viewers_decide_nothing(gateway: Gateway, stranger: Browser, viewer: Browser) -> None:
    receipt = in_review(gateway, 1)
    assert (await stranger.client.get(f"/app/review/{receipt}")).status_code == 404
    assert (await viewer.client.get(f"/app/review/{receipt}")).status_code == 403
    assert "/app/review" not in (await viewer.client.get("/app/receipts")).text.split("<main", 1)[0]
    assert str(receipt) not in (await stranger.client.get("/app/review")).text
    form = {"merchant": "Evil", "reason": "not_mine", "part-0-total": "1", "part-1-total": "2", "total": "1"}
    for action in ("book", "dismiss", "split", "undo", "checks"):
        theirs = await stranger.client.post(f"/app/review/{receipt}/{action}", data=form | {"csrf": stranger.token})
        assert theirs.status_code == 404, (action, theirs.text)
        seeing = await viewer.client.post(f"/app/review/{receipt}/{action}", data=form | {"csrf": viewer.token})
        assert seeing.status_code == 403, (action, seeing.text)
    data = {"csrf": stranger.token, "decision": "book", "receipt": [str(receipt)]}
    await stranger.client.post("/app/review/bulk", data=data)
    assert state_of(gateway.ledger, receipt) == "review"


async def test_the_same_purchase_is_shown_and_kept_or_dismissed(gateway: Gateway, reviewer: Browser) -> None:
    posted = expensed(gateway.ledger, "anna/0.jpg").receipt_id
    second = claimed(gateway.ledger, "anna/1.jpg", "1" * 64)
    with gateway.ledger.session() as session:
        record_expense(second, some_fields(), EXTRACTION, session=session)
    assert state_of(gateway.ledger, second.receipt_id) == "review"
    page = (await reviewer.client.get(f"/app/review/{second.receipt_id}")).text
    assert f"/app/receipts/{posted}" in page
    form = await form_of(reviewer, second.receipt_id)
    assert form["keep_both"] == "1"
    await reviewer.client.post(f"/app/review/{second.receipt_id}/book", data=form)
    assert len(booked(gateway)) == 2
