"""The page of exports: what is pending, a preview, numbered exports and their files; who may, and what is refused."""

from __future__ import annotations

import datetime as dt
import io
import zipfile
from html import unescape

import pytest
from export_helpers import HOSTILE, change, some_expenses, spent, void
from gateway_helpers import Gateway
from page_helpers import Browser, browser_of

from flows.ledger.exports import list_exports

pytest_plugins = ["gateway_helpers", "page_helpers"]


def numbers(gateway: Gateway, owner: str = "anna") -> list[tuple[str, int]]:
    with gateway.ledger.session() as session:
        return [(one.target, one.number) for one in list_exports(owner, session=session)]


async def make(browser: Browser, target: str, **fields: str) -> str:
    """Make an export; what the next page says of it."""
    answer = await browser.client.post(f"/app/exports/{target}", data={"csrf": browser.token} | fields)
    assert answer.status_code == 303, answer.text
    return unescape((await browser.client.get(answer.headers["location"])).text)


@pytest.mark.parametrize("target", ["ofx", "csv", "csv-changes"])
async def test_what_is_pending_is_what_the_export_tells(gateway: Gateway, reviewer: Browser, target: str) -> None:
    one, two, *_ = some_expenses(gateway.ledger)
    page = f"/app/exports/{target}"
    for _ in range(2):  # Looking notes nothing.
        assert "6 new</strong> · <strong>0 changed" in (await reviewer.client.get(page)).text
    assert numbers(gateway) == []
    assert "Export 1 is made: 6 new, 0 changed, 0 voided." in await make(reviewer, target)
    change(gateway.ledger, one, merchant="Another")
    void(gateway.ledger, two)
    spent(gateway.ledger, "late", purchase_date=dt.date(2025, 1, 1))
    text = (await reviewer.client.get(page)).text
    assert "1 new</strong> · <strong>1 changed</strong> · <strong>1 voided</strong>" in text
    assert f'href="/app/expenses/{two}"' in text
    assert "Export 2 is made: 1 new, 1 changed, 1 voided." in await make(reviewer, target)
    assert "Nothing is new, changed or voided" in await make(reviewer, target)
    assert numbers(gateway) == [(target, 2), (target, 1)]


async def test_a_numbered_export_is_downloaded_again(gateway: Gateway, reviewer: Browser, viewer: Browser) -> None:
    some_expenses(gateway.ledger)
    made = await make(reviewer, "ofx")
    assert made.index("/app/exports/ofx/files?number=1") < made.index("The first ten"), "what was made comes first"
    listed = (await viewer.client.get("/app/exports")).text
    assert 'href="/app/exports/ofx/files?number=1"' in listed
    first = await viewer.client.get("/app/exports/ofx/files?number=1")
    assert (first.status_code, first.headers["content-type"]) == (200, "application/x-ofx")
    assert first.content.count(b"<STMTTRN>") == 6
    spent(gateway.ledger, "late")
    await make(reviewer, "ofx")
    assert (await viewer.client.get("/app/exports/ofx/files?number=1")).content == first.content
    missing = await viewer.client.get("/app/exports/ofx/files?number=9")
    assert (missing.status_code, 'role="alert"' in missing.text) == (404, True)


async def test_a_period_holds_for_counts_files_and_the_export(gateway: Gateway, reviewer: Browser) -> None:
    some_expenses(gateway.ledger)
    days = {"date_from": "2026-01-01", "date_to": "2026-01-31"}
    page = (await reviewer.client.get("/app/exports/csv", params=days)).text
    assert "3 new" in page
    assert "Shop a" not in page
    files = await reviewer.client.get("/app/exports/csv/files", params=days)
    assert (b"Shop b" in files.content, b"Shop a" in files.content) == (True, False)
    assert "Export 1 is made: 3 new" in await make(reviewer, "ofx", **days)


async def test_a_hostile_merchant_stays_text(gateway: Gateway, viewer: Browser) -> None:
    some_expenses(gateway.ledger)
    for target in ("csv", "ofx", "hledger"):
        page = (await viewer.client.get(f"/app/exports/{target}")).text
        assert "Zum" in page
        assert "<b>" not in page
    assert "<b>" in HOSTILE


async def test_what_would_be_refused_is_named_and_left_out_on_demand(gateway: Gateway, reviewer: Browser) -> None:
    public_id = spent(gateway.ledger, "undated", purchase_date=None)
    spent(gateway.ledger, "dated")
    page = (await reviewer.client.get("/app/exports/ofx")).text
    assert f'href="/app/expenses/{public_id}"' in page
    assert "1 expense would be refused there." in page
    # The browser asks for it before it sends what would be refused.
    assert '<input type="checkbox" name="leave_out" value="1" required>' in page
    refused = await reviewer.client.post("/app/exports/ofx", data={"csrf": reviewer.token})
    assert (refused.status_code, public_id in refused.text, numbers(gateway)) == (409, True, [])
    assert "1 new, 0 changed, 0 voided, 1 left out." in await make(reviewer, "ofx", leave_out="1")


async def test_only_reviewers_make_one_and_only_from_our_form(
    gateway: Gateway, viewer: Browser, reviewer: Browser, admin: Browser
) -> None:
    some_expenses(gateway.ledger)
    assert "Make export" not in (await viewer.client.get("/app/exports/ofx")).text
    attempts = (
        (viewer, {"csrf": viewer.token}, {}),
        (reviewer, {}, {}),
        (reviewer, {"csrf": viewer.token}, {}),
        (reviewer, {"csrf": reviewer.token}, {"origin": "https://evil.example"}),
    )
    for browser, data, headers in attempts:
        answer = await browser.client.post("/app/exports/ofx", data=data, headers=headers)
        assert answer.status_code == 403
    assert numbers(gateway) == []
    await make(admin, "ofx")
    assert numbers(gateway) == [("ofx", 1)]


async def test_strangers_and_visitors_see_nothing_of_it(gateway: Gateway, reviewer: Browser, stranger: Browser) -> None:
    some_expenses(gateway.ledger)
    await make(reviewer, "ofx")
    theirs = (await stranger.client.get("/app/exports/ofx")).text
    assert ("0 new" in theirs, "Shop" in theirs, "None yet." in theirs) == (True, False, True)
    assert (await stranger.client.get("/app/exports/ofx/files?number=1")).status_code == 404
    async with browser_of(gateway) as client:
        for path in ("", "/ofx", "/ofx/files?number=1", "/archive?year=2026", "/pictures"):
            answer = await client.get(f"/app/exports{path}")
            assert (answer.status_code, answer.headers["location"].split("?")[0]) == (303, "/app/sign-in")


@pytest.mark.parametrize(
    ("path", "status", "named"),
    [
        ("nothing", 404, "nothing"),
        ("ofx?date_from=yesterday", 422, "date_from"),
        ("ofx?date_from=2026-02-01&date_to=2026-01-01", 422, "ends"),
        ("hledger?date_from=2026-02-01", 422, "whole"),
        ("csv/files?number=1", 422, "number"),
        ("ofx/files?number=0", 422, "number"),
        ("ofx/files?number=99999999999", 422, "number"),
        ("archive?year=x", 422, "year"),
        ("archive?year=99999", 422, "year"),
        ("archive", 422, "year"),
        ("pictures?date_to=31.1.2026", 422, "date_to"),
    ],
)
async def test_what_cannot_be_is_named(gateway: Gateway, viewer: Browser, path: str, status: int, named: str) -> None:
    answer = await viewer.client.get(f"/app/exports/{path}")
    assert (answer.status_code, 'role="alert"' in answer.text, named in answer.text) == (status, True, True)


async def test_a_year_is_downloaded_as_a_zip(gateway: Gateway, viewer: Browser) -> None:
    answer = await viewer.client.get("/app/exports/archive?year=2024")
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["expenses-2024.csv", "expenses-2024.pdf", "SHA256SUMS"]
    pictures = await viewer.client.get("/app/exports/pictures?date_from=&date_to=2024-12-31")
    assert (pictures.status_code, pictures.headers["content-type"]) == (200, "application/zip")
