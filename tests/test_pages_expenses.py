"""Expenses and the first page: filters, sums, corrections, voiding, many at once; strangers change nothing."""

from __future__ import annotations

import datetime as dt
import re
from decimal import Decimal
from html import unescape

import pytest
from gateway_helpers import Gateway
from ledger_helpers import expensed
from page_helpers import Browser
from sqlmodel import select

from deployments.gateway.web.overview.charts import columns, rows
from flows.ledger.expenses import find_expenses
from flows.ledger.schema import ExpenseTax
from flows.ledger.views import ExpenseView

pytest_plugins = ["gateway_helpers", "page_helpers"]


def posted(gateway: Gateway, number: int = 1, owner: str = "anna", **fields: object) -> str:
    """The public id of a new expense."""
    fields = {"merchant": f"Shop {number}", "total": Decimal(number)} | fields  # no two are the same purchase
    attempt = expensed(gateway.ledger, f"{owner}/{number}.jpg", f"{number:064x}", **fields)
    with gateway.ledger.session() as session:
        found = find_expenses(owner=owner, session=session)
    return next(one.public_id for one in found if one.receipt_id == attempt.receipt_id)


def now(gateway: Gateway, public_id: str) -> ExpenseView:
    with gateway.ledger.session() as session:
        return next(one for one in find_expenses(voided=None, session=session) if one.public_id == public_id)


async def ids(browser: Browser, query: str) -> set[str]:
    text = (await browser.client.get(f"/app/expenses?{query}")).text
    return set(re.findall(r'href="/app/expenses/(rf-[0-9a-f-]+)"', text))


async def test_the_list_filters_and_sums(gateway: Gateway, viewer: Browser) -> None:
    one = posted(gateway, 1, merchant="Aldi", total=Decimal("10.10"))
    two = posted(gateway, 2, merchant="Lidl", total=Decimal("20.20"), purchase_date=dt.date(2025, 1, 2))
    other = posted(gateway, 3, merchant="Migros", total=Decimal("5.00"), currency="CHF")
    posted(gateway, 4, owner="bert")
    assert await ids(viewer, "") == {one, two, other}
    assert await ids(viewer, "date_to=2025-12-31") == {two}
    assert await ids(viewer, "merchant=LID") == {two}
    assert await ids(viewer, "currency=CHF&text=") == {other}
    assert await ids(viewer, "category=&no_category=1") == {one, two, other}
    assert await ids(viewer, "voided=true") == set()
    assert "€30.30" in (await viewer.client.get("/app/expenses?currency=EUR")).text


@pytest.mark.parametrize("query", ["date_from=yesterday", "currency=euro", "total_from=NaN", "after=x", "text=%3F%3F"])
async def test_a_filter_that_cannot_be_says_so(gateway: Gateway, viewer: Browser, query: str) -> None:
    answer = await viewer.client.get(f"/app/expenses?{query}")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text


async def test_a_correction_is_kept_with_who_and_why(gateway: Gateway, reviewer: Browser) -> None:
    public_id = posted(gateway)
    path = f"/app/expenses/{public_id}"
    form = {"csrf": reviewer.token, "seen": "1", "merchant": "Corner Shop", "total": "13,00", "reason": "tip"}
    form |= {
        "line_items/1/description": "Bread",
        "tags": "trip, berlin",
        "taxes/1/rate": "7,5",
        "taxes/1/amount": "0.82",
    }
    assert (await reviewer.client.post(path, data=form)).headers["location"] == path
    expense = now(gateway, public_id)
    assert (expense.merchant, expense.total, expense.revision) == ("Corner Shop", Decimal("13.00"), 2)
    assert sorted(expense.tags) == ["berlin", "trip"]
    with gateway.ledger.session() as session:
        row = session.exec(select(ExpenseTax)).one()
        assert (row.rate, row.amount) == (Decimal("7.5"), Decimal("0.82"))
    page = unescape((await reviewer.client.get(path)).text)
    assert "<strong>Rea</strong> Merchant: <bdi>Shop 1</bdi> → <bdi>Corner Shop</bdi>" in page
    assert 'value="Bread"' in page
    late = await reviewer.client.post(path, data=form | {"merchant": "Late"})
    assert late.status_code == 409
    same = await reviewer.client.post(path, data={"csrf": reviewer.token, "merchant": "Corner Shop"})
    assert same.status_code == 303
    assert now(gateway, public_id).revision == 2
    wrong = await reviewer.client.post(path, data={"csrf": reviewer.token, "purchase_date": "soon"})
    assert wrong.status_code == 422
    assert "purchase_date:" in wrong.text


async def test_voiding_and_restoring(gateway: Gateway, reviewer: Browser) -> None:
    public_id = posted(gateway)
    path = f"/app/expenses/{public_id}"
    await reviewer.client.post(f"{path}/void", data={"csrf": reviewer.token, "reason": "paid back"})
    assert now(gateway, public_id).voided_at is not None
    assert "paid back" in (await reviewer.client.get(path)).text
    assert await ids(reviewer, "voided=true") == {public_id}
    await reviewer.client.post(f"{path}/restore", data={"csrf": reviewer.token})
    assert now(gateway, public_id).voided_at is None


async def test_many_at_once(gateway: Gateway, reviewer: Browser) -> None:
    mine, theirs = [posted(gateway, number) for number in (1, 2)], posted(gateway, 3, owner="bert")
    data = {"csrf": reviewer.token, "change": "category", "category": "Fuel", "expense": [*mine, theirs]}
    answer = await reviewer.client.post("/app/expenses/bulk", data=data)
    page = (await reviewer.client.get(answer.headers["location"])).text
    assert "2 of 3 done." in page
    assert [now(gateway, one).category for one in (*mine, theirs)] == ["Fuel", "Fuel", None]
    await reviewer.client.post("/app/expenses/bulk", data=data | {"change": "void", "expense": mine})
    assert await ids(reviewer, "") == set()


async def test_strangers_and_viewers_change_no_expense(gateway: Gateway, stranger: Browser, viewer: Browser) -> None:
    public_id = posted(gateway)
    assert (await stranger.client.get(f"/app/expenses/{public_id}")).status_code == 404
    assert (await viewer.client.get(f"/app/expenses/{public_id}")).status_code == 200
    for action in ("", "/void", "/restore"):
        path = f"/app/expenses/{public_id}{action}"
        theirs = await stranger.client.post(path, data={"csrf": stranger.token, "merchant": "Evil"})
        assert theirs.status_code == 404
        seeing = await viewer.client.post(path, data={"csrf": viewer.token, "merchant": "Evil"})
        assert seeing.status_code == 403
    assert await ids(stranger, "") == set()
    assert now(gateway, public_id).revision == 1


async def test_the_first_page_shows_what_was_spent_with_links_to_it(gateway: Gateway, viewer: Browser) -> None:
    posted(gateway, 1, merchant="<b>Aldi</b>", total=Decimal("10.10"), purchase_date=dt.date(2026, 2, 3))
    posted(gateway, 2, merchant="Lidl", total=Decimal("20.20"), purchase_date=dt.date(2026, 3, 4))
    page = (await viewer.client.get("/app/?year=2026&currency=EUR")).text
    assert "€30.30" in page
    assert "<b>Aldi" not in page
    links = [unescape(link) for link in re.findall(r'href="(/app/expenses\?[^"]+)"', page)]
    february = next(link for link in links if "date_from=2026-02-01" in link)
    assert len(await ids(viewer, february.split("?", 1)[1])) == 1
    assert any("merchant=Lidl" in link for link in links)
    assert (await viewer.client.get("/app/?year=99999")).status_code == 422
    assert (await viewer.client.get("/app/?currency=%3Cb%3E")).status_code == 200


def test_bars_are_drawn_to_scale() -> None:
    sums = [("a", Decimal(50), {}), ("b", Decimal(100), {}), ("c", Decimal(-5), {}), ("d", Decimal(0), {})]
    upright, lying = columns(sums), rows(sums)
    assert upright[1].height == pytest.approx(2 * upright[0].height)
    assert [bar.width for bar in lying] == [50.0, 100.0, 0.5, 0.5]
    assert columns([]) == rows([]) == []
