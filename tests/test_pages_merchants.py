"""Names of merchants while one types: the owner's own and brands, on the page by keys, without scripts, for all."""

from __future__ import annotations

import asyncio
import itertools
import re
from decimal import Decimal

from browser_helpers import Visit, needs_chromium, serious_faults
from gateway_helpers import Gateway
from ledger_helpers import EXTRACTION, claimed, expensed, some_fields
from page_helpers import Browser
from selenium import webdriver
from selenium.webdriver.common.keys import Keys
from test_pages_review import in_review

from flows.domain.fields import Candidates, Found
from flows.ledger.expenses import find_expenses, usual_values
from flows.ledger.receipts import record_review

pytest_plugins = ["gateway_helpers", "page_helpers", "browser_helpers"]
_NUMBERS = itertools.count(100)


def posted(gateway: Gateway, *merchants: str, owner: str = "anna", currency: str = "EUR") -> None:
    for merchant in merchants:
        number = next(_NUMBERS)
        values = {"merchant": merchant, "total": Decimal(number), "currency": currency}
        expensed(gateway.ledger, f"{owner}/{number}.jpg", f"{number:064x}", **values)


async def suggested(browser: Browser, **query: str) -> list[str]:
    return [one["name"] for one in (await browser.client.get("/app/merchants", params=query)).json()]


async def test_what_an_owner_usually_has_is_counted_and_voided_or_others_expenses_are_not(gateway: Gateway) -> None:
    posted(gateway, "Often", "Often", "Once")
    posted(gateway, "Theirs", owner="bert", currency="CHF")
    posted(gateway, "Abroad", currency="BYN")
    with gateway.ledger.session() as session:
        usual = usual_values("anna", session=session)
        assert usual.merchants == ("Often", "Abroad", "Once")  # of equally frequent ones the newest
        assert usual.currencies == ("EUR", "BYN")
        assert usual_values("nobody", session=session).merchants == ()


async def test_an_owners_own_come_first_and_strangers_see_none_of_them(
    gateway: Gateway, viewer: Browser, stranger: Browser
) -> None:
    posted(gateway, "Lidschlag Optik")
    assert (await suggested(viewer, text="lid", country="de"))[:2] == ["Lidschlag Optik", "Lidl"]
    assert "Lidschlag Optik" not in await suggested(stranger, text="lid", country="DE")
    assert await suggested(viewer) == ["Lidschlag Optik"]
    assert await suggested(stranger) == []
    assert (await viewer.client.get("/app/merchants", params={"text": "x" * 201})).status_code == 422
    viewer.client.cookies.clear()
    assert (await viewer.client.get("/app/merchants")).status_code in {303, 401}


async def test_usual_currencies_and_like_names_are_candidates_and_names_are_there_without_scripts(
    gateway: Gateway, reviewer: Browser
) -> None:
    posted(gateway, "Corner Shop", currency="BYN")
    attempt = claimed(gateway.ledger, "anna/1.jpg", f"{1:064x}")
    garbled = Found(value="Cornor Shp", confidence=0.3)
    read = some_fields(merchant="x", total=Decimal(1)).model_copy(
        update={"merchant": garbled, "candidates": Candidates(merchant=(garbled,)), "decision": "review"}
    )
    with gateway.ledger.session() as session:
        record_review(attempt, read, EXTRACTION, reasons=("merchant: unsure",), session=session)
    page = (await reviewer.client.get(f"/app/review/{attempt.receipt_id}")).text
    assert 'data-candidate="BYN"' in page and 'title="your books" data-candidate="Corner Shop"' in page
    assert '<option value="Corner Shop">' in page and 'list="merchant-names"' in page


async def test_currencies_are_offered_by_evidence_and_of_equals_the_owners_own_first(
    gateway: Gateway, reviewer: Browser
) -> None:
    """What only the script tells is about as likely for each of its countries; a mark that is printed is more."""
    posted(gateway, "Shop", "Market", currency="CHF")
    posted(gateway, "Lavka", currency="UAH")
    by_script = tuple(
        Found(value=code, confidence=confidence, evidence="where the script is Cyrillic")
        for code, confidence in (("BGN", 0.14), ("BYN", 0.13), ("RUB", 0.12), ("UAH", 0.11))
    )
    printed = (Found(value="RUB", confidence=0.45), Found(value="UAH", confidence=0.05))
    chosen = (Found(value="RUB", confidence=0.2), Found(value="UAH", confidence=0.19))
    for number, candidates, value, wanted in (
        (1, by_script, None, ["UAH", "BGN", "BYN", "RUB", "CHF"]),
        (2, printed, None, ["RUB", "UAH", "CHF"]),
        (3, chosen, chosen[0], ["RUB", "UAH", "CHF"]),  # what was read stays the first
    ):
        attempt = claimed(gateway.ledger, f"anna/{number}.jpg", f"{number:064x}")
        change = {"currency": value, "candidates": Candidates(currency=candidates), "decision": "review"}
        read = some_fields(total=Decimal(number)).model_copy(update=change)
        with gateway.ledger.session() as session:
            record_review(attempt, read, EXTRACTION, reasons=("currency: unsure",), session=session)
        page = (await reviewer.client.get(f"/app/review/{attempt.receipt_id}")).text
        field = page.split('data-field="currency"', 1)[1].split('data-field="purchase_date"', 1)[0]
        assert re.findall(r'data-candidate="(\w+)"', field) == wanted


@needs_chromium
async def test_a_name_is_found_by_two_letters_and_nothing_is_taken_by_itself(
    gateway: Gateway, chrome: webdriver.Chrome
) -> None:
    posted(gateway, "Lidschlag Optik")
    first, second = in_review(gateway, 1, merchant="Garb"), in_review(gateway, 2, merchant="Garb")

    def field(visit: Visit) -> str:
        return str(visit.one("#f-merchant").get_property("value"))

    def listed(visit: Visit) -> list[str]:
        return [one.text for one in visit.driver.find_elements("css selector", "#f-merchant-names bdi")]

    def to_the_merchant(visit: Visit) -> None:
        visit.until(lambda: visit.one(".field.marked"))
        while visit.one(".field.marked").get_attribute("data-field") != "merchant":
            visit.press("j")
        visit.press("e")

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{first}")
        to_the_merchant(visit)
        visit.press("l", "i", "d")
        visit.until(lambda: listed(visit)[:1] == ["Lidschlag Optik"] and "Lidl" in listed(visit))
        assert field(visit) == "lid"  # as typed: nothing is guessed into it
        assert serious_faults(chrome) == []
        visit.press(Keys.ARROW_DOWN)
        assert field(visit) == "Lidschlag Optik"
        marked = visit.one("#f-merchant").get_attribute("aria-activedescendant")
        assert visit.one(f"#{marked}").get_attribute("aria-selected") == "true"
        visit.press(Keys.ESCAPE)
        assert field(visit) == "lid" and listed(visit) == []
        visit.press("l")
        visit.until(lambda: "Lidl" in listed(visit))
        visit.press(Keys.ARROW_DOWN, Keys.ENTER)
        visit.until(lambda: "Booked: Lidl" in visit.text())
        visit.until(lambda: str(second) in visit.one("#review-form").get_attribute("action"))
        to_the_merchant(visit)
        visit.press(Keys.ARROW_DOWN)  # with nothing typed: the owner's own
        visit.until(lambda: listed(visit)[:2] == ["Lidl", "Lidschlag Optik"])
        visit.until(lambda: visit.one("#f-merchant-names li:nth-child(2)")).click()
        assert field(visit) == "Lidschlag Optik"
        visit.press(Keys.BACKSPACE, "x", "y", "z", Keys.ENTER)  # a name that nobody knows
        visit.until(lambda: "Booked: Lidschlag Optixyz" in visit.text())

    await asyncio.to_thread(work)
    with gateway.ledger.session() as session:
        found = {one.merchant for one in find_expenses(owner="anna", session=session).items}
    assert found == {"Lidschlag Optik", "Lidl", "Lidschlag Optixyz"}


@needs_chromium
async def test_enter_books_what_a_clicked_candidate_filled(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    posted(gateway, "A", currency="BYN")
    receipt = in_review(gateway, 1)

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{receipt}")
        visit.until(lambda: visit.one(".field.marked"))
        visit.press("j")  # the currency, whose candidates are shown
        visit.one("[data-candidate=BYN]").click()
        visit.press(Keys.ENTER)
        visit.until(lambda: "Nothing waits for you." in visit.text())

    await asyncio.to_thread(work)
    with gateway.ledger.session() as session:
        found = {(one.merchant, one.currency) for one in find_expenses(owner="anna", session=session).items}
    assert found == {("A", "BYN"), ("Shop 1", "BYN")}


@needs_chromium
async def test_tab_goes_from_field_to_field(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    posted(gateway, "A", currency="BYN")
    receipt = in_review(gateway, 1)

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{receipt}")
        visit.until(lambda: visit.one(".field.marked"))
        visit.press("e")
        seen = []
        for _ in range(4):
            seen.append(chrome.execute_script("return document.activeElement.name"))
            visit.press(Keys.TAB)
        assert seen == ["total", "currency", "purchase_date", "merchant"]

    await asyncio.to_thread(work)
