"""Handing in and receipts: plain forms and scripts, what strangers and viewers get, hostile names stay text."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from html import unescape
from uuid import UUID, uuid4

import pytest
from gateway_helpers import JPEG, Gateway
from ledger_helpers import begun, count, expensed, received, state_of
from page_helpers import Browser, signed_in

from flows.ledger.access import Role
from flows.ledger.receipts import record_quarantine

pytest_plugins = ["gateway_helpers", "page_helpers"]
HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd|' /C calc'!A0",
    "\u202egnp.exe",
    '"><img src=x onerror=alert(1)>',
    "{{7*7}}",
]


async def test_a_plain_form_hands_in_several_files_once(gateway: Gateway, reviewer: Browser) -> None:
    files = [("file", ("a.jpg", JPEG, "image/jpeg")), ("file", ("b.jpg", JPEG + b"x", "image/jpeg"))]
    answer = await reviewer.client.post("/app/hand-in", data={"csrf": reviewer.token}, files=files)
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/hand-in")
    page = await reviewer.client.get("/app/hand-in")
    assert "2 receipts are safe." in page.text
    assert "a.jpg" in page.text
    assert "2 receipts are safe." not in (await reviewer.client.get("/app/hand-in")).text
    again = await reviewer.client.post("/app/hand-in", data={"csrf": reviewer.token}, files=files[:1])
    assert again.status_code == 303
    assert count(gateway.ledger, "receipts") == 2


async def test_a_script_gets_ids_and_reasons(gateway: Gateway, reviewer: Browser) -> None:
    headers = {"Accept": "application/json", "X-CSRF-Token": reviewer.token}
    sent = await reviewer.client.post("/app/hand-in", headers=headers, files={"file": ("a.jpg", JPEG, "image/jpeg")})
    assert sent.status_code == 202
    assert state_of(gateway.ledger, UUID(sent.json()["receipts"][0])) == "waiting"
    empty = await reviewer.client.post("/app/hand-in", headers=headers, files={"file": ("a.jpg", b"", "image/jpeg")})
    assert (empty.status_code, empty.json()["detail"]) == (422, "A file is empty; send the picture itself.")
    junk = await reviewer.client.post(
        "/app/hand-in", headers=headers, files={"file": (".DS_Store", b"x", "image/jpeg")}
    )
    assert junk.status_code == 422


async def test_the_page_links_to_its_run_where_prefects_address_is_known(
    start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]],
) -> None:
    async with start_gateway(prefect_ui_url="https://prefect.example/") as gateway, signed_in(gateway) as anna:
        run_id = uuid4()
        attempt = begun(gateway.ledger, received(gateway.ledger), run_id)
        page = await anna.client.get(f"/app/receipts/{attempt.receipt_id}")
        assert f'href="https://prefect.example/runs/flow-run/{run_id}"' in page.text
    async with start_gateway() as gateway, signed_in(gateway, owner="anna", role=Role.VIEWER) as viewer:
        page = await viewer.client.get(f"/app/receipts/{attempt.receipt_id}")
        assert page.status_code == 200
        assert "runs/flow-run" not in page.text


@pytest.mark.parametrize("headers", [{}, {"X-CSRF-Token": "0" * 64}])
async def test_a_file_without_the_sessions_token_is_not_taken(
    gateway: Gateway, reviewer: Browser, headers: dict[str, str]
) -> None:
    answer = await reviewer.client.post("/app/hand-in", headers=headers, files={"file": ("a.jpg", JPEG, "image/jpeg")})
    assert answer.status_code == 403
    assert count(gateway.ledger, "receipts") == 0


async def test_a_viewer_hands_nothing_in_and_changes_nothing(gateway: Gateway, viewer: Browser) -> None:
    receipt = expensed(gateway.ledger, "anna/1.jpg").receipt_id
    files = {"file": ("a.jpg", JPEG, "image/jpeg")}
    assert (await viewer.client.post("/app/hand-in", data={"csrf": viewer.token}, files=files)).status_code == 403
    for action in ("retry", "delete"):
        answer = await viewer.client.post(f"/app/receipts/{receipt}/{action}", data={"csrf": viewer.token})
        assert answer.status_code == 403
        assert "needs the role" in answer.text
    page = (await viewer.client.get(f"/app/receipts/{receipt}")).text
    assert "Markt am Eck" in page
    assert "<form" not in page.split("<main", 1)[1]
    assert state_of(gateway.ledger, receipt) == "expensed"


async def test_a_stranger_finds_no_receipt(gateway: Gateway, stranger: Browser) -> None:
    receipt = expensed(gateway.ledger, "anna/1.jpg").receipt_id
    for path in ("", "/picture", "/original", "/words"):
        theirs = await stranger.client.get(f"/app/receipts/{receipt}{path}")
        nothing = await stranger.client.get(f"/app/receipts/{uuid4()}{path}")
        assert (theirs.status_code, nothing.status_code) == (404, 404)
    for action in ("retry", "delete"):
        answer = await stranger.client.post(f"/app/receipts/{receipt}/{action}", data={"csrf": stranger.token})
        assert answer.status_code == 404
    for path in ("/app/receipts", "/app/hand-in", "/app/receipts?q=1.jpg"):
        assert str(receipt) not in (await stranger.client.get(path)).text
    assert state_of(gateway.ledger, receipt) == "expensed"


async def test_the_list_filters_by_state_and_name(gateway: Gateway, admin: Browser) -> None:
    posted = expensed(gateway.ledger, "anna/lunch.jpg").receipt_id
    waiting = received(gateway.ledger, "anna/100%_taxi.jpg")

    async def ids(query: str) -> set[str]:
        text = (await admin.client.get(f"/app/receipts?{query}")).text
        return set(re.findall(r'href="/app/receipts/([0-9a-f-]{36})"', text))

    assert await ids("") == {str(posted), str(waiting)}
    assert await ids("state=waiting") == {str(waiting)}
    assert await ids("q=LUNCH") == {str(posted)}
    assert await ids("q=%25_") == {str(waiting)}
    assert await ids("q=%00") == set()
    assert await ids("state=nonsense") == {str(posted), str(waiting)}
    wrong = await admin.client.get("/app/receipts?after=nonsense")
    assert wrong.status_code == 422
    assert "no cursor" in wrong.text


async def test_what_was_not_readable_says_why_and_is_read_again(gateway: Gateway, reviewer: Browser) -> None:
    attempt = begun(gateway.ledger, received(gateway.ledger))
    with gateway.ledger.session() as session:
        record_quarantine(attempt, "It is no picture; send JPEG.", session=session)
    page = (await reviewer.client.get("/app/hand-in")).text
    assert "It is no picture; send JPEG." in page
    form = {"csrf": reviewer.token, "back": "/hand-in"}
    answer = await reviewer.client.post(f"/app/receipts/{attempt.receipt_id}/retry", data=form)
    assert answer.headers["location"] == "/app/hand-in"
    assert state_of(gateway.ledger, attempt.receipt_id) == "waiting"


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_a_receipt_says_stays_text(gateway: Gateway, admin: Browser, text: str) -> None:
    attempt = expensed(gateway.ledger, f"anna/{text.replace('/', '')}.jpg", merchant=text)
    for path in ("/app/receipts", "/app/hand-in", f"/app/receipts/{attempt.receipt_id}"):
        page = (await admin.client.get(path)).text
        assert text in unescape(page)
        assert "<script>alert" not in page
        assert "<img src=x" not in page


async def test_originals_are_never_pages(gateway: Gateway, admin: Browser) -> None:
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    sent = await gateway.accepted(svg, **{"Content-Type": "image/svg+xml"})
    answer = await admin.client.get(f"/app/receipts/{sent['receipt_id']}/original")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"


async def test_a_delete_takes_everything(gateway_with_prefect: Gateway) -> None:
    gateway = gateway_with_prefect
    sent = await gateway.accepted()
    async with signed_in(gateway) as browser:
        path = f"/app/receipts/{sent['receipt_id']}"
        answer = await browser.client.post(f"{path}/delete", data={"csrf": browser.token})
        assert answer.headers["location"] == "/app/receipts"
        assert (await browser.client.get(path)).status_code == 404
    assert count(gateway.ledger, "receipts") == 0
