"""The page of an owner's settings: admins change currency and year of their own owner; what cannot be is named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from gateway_helpers import Gateway
from ledger_helpers import expensed
from page_helpers import Browser, browser_of

from flows.ledger.owner_settings import settings_of

pytest_plugins = ["gateway_helpers", "page_helpers"]


def settings(gateway: Gateway, owner: str = "anna") -> tuple[str | None, str]:
    with gateway.ledger.session() as session:
        found = settings_of(owner, session=session)
    return found.home_currency, found.year_starts


async def test_an_admin_changes_them_for_their_owner_alone(gateway: Gateway, admin: Browser, stranger: Browser) -> None:
    assert 'name="year_starts" value="01-01"' in (await admin.client.get("/app/settings")).text
    form = {"csrf": admin.token, "home_currency": " chf", "year_starts": "04-06"}
    answer = await admin.client.post("/app/settings", data=form)
    assert (answer.status_code, answer.headers["location"]) == (303, "/app/settings")
    page = (await admin.client.get("/app/settings")).text
    assert 'name="home_currency" value="CHF"' in page
    assert (settings(gateway), settings(gateway, "bert")) == (("CHF", "04-06"), (None, "01-01"))
    await stranger.client.post("/app/settings", data=form | {"csrf": stranger.token, "home_currency": "JPY"})
    assert (settings(gateway), settings(gateway, "bert")) == (("CHF", "04-06"), ("JPY", "04-06"))
    await admin.client.post("/app/settings", data={"csrf": admin.token, "home_currency": ""})
    assert settings(gateway) == (None, "04-06")


async def test_the_first_page_shows_the_owners_own_year(gateway: Gateway, admin: Browser) -> None:
    for number, day in enumerate((dt.date(2025, 4, 5), dt.date(2025, 4, 6), dt.date(2026, 4, 5)), start=1):
        expensed(gateway.ledger, f"anna/{number}.jpg", f"{number:064x}", total=Decimal(number), purchase_date=day)
    calendar_year = (await admin.client.get("/app/?year=2025")).text
    assert "date_from=2025-01-01&amp;date_to=2025-12-31" in calendar_year and "€3.00" in calendar_year
    await admin.client.post("/app/settings", data={"csrf": admin.token, "year_starts": "04-06"})
    page = (await admin.client.get("/app/")).text
    assert "date_from=2025-04-06&amp;date_to=2026-04-05" in page
    assert "in 2025/26" in page and "€5.00" in page
    assert (
        "date_from=2025-04-06&amp;date_to=2025-04-30" in page and "date_from=2026-04-01&amp;date_to=2026-04-05" in page
    )
    assert "€1.00" in (await admin.client.get("/app/?year=2024")).text


async def test_others_see_them_and_only_our_form_changes_them(
    gateway: Gateway, viewer: Browser, reviewer: Browser, admin: Browser
) -> None:
    form = {"home_currency": "EUR", "year_starts": "07-01"}
    for browser in (viewer, reviewer):
        page = await browser.client.get("/app/settings")
        assert (page.status_code, "Only an admin" in page.text, "<form" in page.text) == (200, True, False)
        answer = await browser.client.post("/app/settings", data=form | {"csrf": browser.token})
        assert answer.status_code == 403
    assert (await admin.client.post("/app/settings", data=form)).status_code == 403
    assert (await admin.client.post("/app/settings", data=form | {"csrf": viewer.token})).status_code == 403
    foreign = {"origin": "https://evil.example"}
    data = form | {"csrf": admin.token}
    assert (await admin.client.post("/app/settings", data=data, headers=foreign)).status_code == 403
    async with browser_of(gateway) as client:
        assert (await client.get("/app/settings")).headers["location"].startswith("/app/sign-in")
    assert settings(gateway) == (None, "01-01")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("home_currency", "XXZ"),
        ("home_currency", "<script>alert(1)</script>"),
        ("year_starts", "02-30"),
        ("year_starts", "02-29"),
        ("year_starts", ""),
        ("year_starts", "6 April"),
    ],
)
async def test_what_cannot_be_is_named(gateway: Gateway, admin: Browser, field: str, value: str) -> None:
    form = {"csrf": admin.token, "home_currency": "EUR", "year_starts": "01-01"} | {field: value}
    answer = await admin.client.post("/app/settings", data=form)
    assert (answer.status_code, field in answer.text, "<script>alert" in answer.text) == (422, True, False)
    assert settings(gateway) == (None, "01-01")
