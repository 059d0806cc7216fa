"""The pages in a real Chromium: signing in, handing in, review by keys, correcting; without scripts, small, for all.

Skipped where no Chromium is installed (Debian: `apt install chromium chromium-driver`).
"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from browser_helpers import Visit, a_picture, browser, needs_chromium, serious_faults
from gateway_helpers import Gateway
from ledger_helpers import SHA256, begun, claimed, expensed, found, some_fields, state_of
from page_helpers import PASSWORD
from selenium import webdriver
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.actions.interaction import POINTER_TOUCH
from selenium.webdriver.common.actions.pointer_input import PointerInput
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from flows.domain.fields import BBox, Candidates, DocumentText, Page, Word
from flows.ledger.access import Role, add_person, make_link
from flows.ledger.expenses import find_expenses
from flows.ledger.receipts import record_expense, record_review
from flows.ledger.values import Extraction
from flows.pipeline.previews import preview_key

pytestmark = needs_chromium
pytest_plugins = ["gateway_helpers", "browser_helpers"]
_COUNT_BYTES = """return performance.getEntries().filter((entry) => entry.initiatorType !== "img")
  .reduce((sum, entry) => sum + (entry.decodedBodySize || 0), 0);"""
_PAGES = (
    "",
    "hand-in",
    "review",
    "expenses",
    "receipts",
    "exports",
    "exports/csv",
    "exports/ofx",
    "exports/accounts",
    "exports/servers/firefly",
    "account",
    "phone",
    "categories",
    "rules",
    "settings",
    "people",
    "keys",
    "notifications",
    "webhooks",
)
_WORDS = (("TOTAL", 40, 300, 120, 330), ("19.46", 200, 300, 260, 330), ("19.16", 200, 400, 260, 430))


def waits(
    gateway: Gateway,
    number: int,
    total: str = "19.46",
    other: str = "19.16",
    merchant_confidence: float = 0.97,
    pages: int = 1,
) -> UUID:
    """A receipt of anna's in review, with words and picture on its last page, whose total may be another one."""
    sha256 = f"{number:064x}"
    attempt = claimed(gateway.ledger, f"anna/{number}.jpg", sha256)
    words = tuple(Word(text=text, confidence=0.9, bbox=BBox(*box)) for text, *box in _WORDS)
    last = Page(number=pages, width=300, height=600, words=words)
    read_pages = (*(Page(number=one, width=300, height=600, words=()) for one in range(1, pages)), last)
    kept = DocumentText(sha256=sha256, media_type="image/jpeg", engine="t", engine_version="1", pages=read_pages)
    gateway.parts.results.put(f"{sha256}/words.json", kept.model_dump_json().encode(), "application/json")
    for one in range(1, pages + 1):
        gateway.parts.results.put(preview_key(sha256, one), a_picture(), "image/jpeg")
    doubt = found(Decimal(total)).model_copy(
        update={"confidence": 0.5, "bbox": BBox(200, 300, 260, 330), "page": pages}
    )
    second = doubt.model_copy(update={"value": Decimal(other), "bbox": BBox(200, 400, 260, 430)})
    named = found(f"Shop {number}").model_copy(update={"confidence": merchant_confidence})
    read = some_fields().model_copy(
        update={
            "merchant": named,
            "total": doubt,
            "candidates": Candidates(total=(doubt, second)),
            "decision": "review",
            "reasons": (f"total: two totals fit: {total} and {other}",),
        }
    )
    extraction = Extraction("tesseract", "1", words_key=f"{sha256}/words.json")
    with gateway.ledger.session() as session:
        record_review(attempt, read, extraction, reasons=read.reasons, session=session)
    return attempt.receipt_id


def totals(gateway: Gateway) -> list[Decimal]:
    with gateway.ledger.session() as session:
        return sorted(one.total for one in find_expenses(owner="anna", session=session))


async def test_a_printed_link_signs_in_and_a_password_is_set(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    with gateway.ledger.session() as session:
        code = make_link(add_person("anna", "Ada", Role.ADMIN, session=session).id, session=session)[1]

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.go(f"sign-in#{code}")
        visit.until(lambda: "Overview" in chrome.title)
        assert code not in chrome.current_url
        visit.go("account")
        for name in ("new", "again"):
            visit.one(f"[name={name}]").send_keys(PASSWORD)
        visit.one("[name=again]").send_keys(Keys.ENTER)
        visit.until(lambda: "Your password is set" in visit.text())
        visit.one("form[action$='/sign-out'] button").click()
        visit.until(lambda: "Sign in" in chrome.title)

    await asyncio.to_thread(work)


async def test_files_are_handed_in_and_are_there_after_a_reload(
    gateway: Gateway, chrome: webdriver.Chrome, tmp_path: Path
) -> None:
    names = [tmp_path / f"lunch {number}.jpg" for number in (1, 2)]
    for number, name in enumerate(names):
        name.write_bytes(a_picture() + bytes([number]))
    (tmp_path / "empty.jpg").write_bytes(b"")

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go("hand-in")
        visit.one("input[multiple][data-picks]").send_keys("\n".join(map(str, names)))
        visit.until(lambda: all(name.name.replace(" ", "_") in visit.one("#latest").text for name in names))
        chrome.refresh()
        assert "lunch_2.jpg" in visit.one("#latest").text
        # What fails says why, and can be sent again on the spot.
        visit.one("input[capture][data-picks]").send_keys(str(tmp_path / "empty.jpg"))
        visit.until(lambda: "A file is empty" in visit.one("#sending").text)
        assert visit.one("#sending button").text == "Try again"

    await asyncio.to_thread(work)


async def test_no_amount_is_booked_without_its_currency(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    """Exports would refuse it later."""
    waits(gateway, 1)

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go("review/next")
        visit.one("#f-currency").clear()
        visit.one("[data-book]").click()
        assert visit.one("#f-currency:invalid:focus")
        assert totals(gateway) == []
        visit.one("#f-currency").send_keys("CHF", Keys.ENTER)
        visit.until(lambda: "Booked: Shop 1, 19.46 CHF" in visit.text())

    await asyncio.to_thread(work)
    assert totals(gateway) == [Decimal("19.46")]


async def test_review_by_keys_alone(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    first, second, third = (waits(gateway, number) for number in (1, 2, 3))

    def opened(visit: Visit, receipt: UUID) -> None:
        visit.until(lambda: str(receipt) in visit.one("#review-form").get_attribute("action"))
        visit.until(lambda: visit.one(".field.marked").get_attribute("data-field") == "total")

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go("review")
        visit.press(Keys.ENTER)
        opened(visit, first)
        visit.press(Keys.ENTER)  # right as read: one key
        opened(visit, second)
        visit.press("2")  # among the candidates: two keys
        assert visit.one("#f-total").get_property("value") == "19.16"
        visit.press(Keys.ENTER)
        opened(visit, third)
        visit.press("7", ".", "5", Keys.ENTER)  # no candidate has the number 7: it is typed
        visit.until(lambda: "Nothing waits for you." in visit.text())
        visit.press("u")
        opened(visit, third)
        visit.press("?")
        visit.until(lambda: visit.one("dialog[open]"))
        visit.press(Keys.ESCAPE)
        visit.press("n")
        visit.until(lambda: "Nothing waits for you." in visit.text())

    await asyncio.to_thread(work)
    assert totals(gateway) == [Decimal("19.16"), Decimal("19.46")]
    assert state_of(gateway.ledger, third) == "dismissed"


def shown(visit: Visit, *, typing: bool) -> tuple[str, dict[str, str]]:
    """The marked field and what the fields say, once the page is in a field or back at its keys."""
    visit.until(lambda: visit.driver.execute_script("return document.activeElement.matches('input')") is typing)
    values = {name: visit.one(f"#f-{name}").get_property("value") for name in ("total", "currency", "merchant")}
    return visit.one(".field.marked").get_attribute("data-field"), values


def leave_field(visit: Visit) -> None:
    """By Escape; where names are suggested by then, the first one closes their list."""
    visit.press(Keys.ESCAPE)
    if visit.driver.execute_script("return document.activeElement.matches('input')"):
        visit.press(Keys.ESCAPE)
    shown(visit, typing=False)


async def test_letters_begin_to_type_and_a_choice_and_enter_go_on(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    """Two fields are in doubt; between them stand two that are not."""
    receipt = waits(gateway, 1, merchant_confidence=0.4)
    before = {"total": "19.46", "currency": "EUR", "merchant": "Shop 1"}

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{receipt}")
        assert shown(visit, typing=False) == ("total", before)
        visit.press("2")  # a candidate is chosen, and the next one in doubt is marked
        assert shown(visit, typing=False) == ("merchant", before | {"total": "19.16"})
        visit.press("Ф")  # a letter of another script; what was read is replaced
        assert shown(visit, typing=True) == ("merchant", before | {"total": "19.16", "merchant": "Ф"})
        leave_field(visit)
        webdriver.ActionChains(chrome).key_down(Keys.SHIFT).send_keys("m").key_up(
            Keys.SHIFT
        ).perform()  # without: "not mine"
        assert shown(visit, typing=True)[1]["merchant"] == "M"
        leave_field(visit)
        visit.press("k", "k", "0")  # the date, then the currency
        assert shown(visit, typing=True) == ("currency", before | {"total": "19.16", "currency": "0", "merchant": "M"})
        visit.press(Keys.ESCAPE, "C", "h", "f")
        chrome.refresh()
        visit.press("7")
        assert shown(visit, typing=True) == ("total", before | {"total": "7"})
        visit.press(Keys.ENTER)  # one in doubt is left: nothing is booked yet
        assert shown(visit, typing=False) == ("merchant", before | {"total": "7"})
        visit.press("Ü", "b", Keys.ENTER)  # none is left
        visit.until(lambda: "Nothing waits for you." in visit.text())

    await asyncio.to_thread(work)
    with gateway.ledger.session() as session:
        (booked,) = find_expenses(owner="anna", session=session)
    assert (booked.merchant, booked.total, booked.currency) == ("Üb", Decimal(7), "EUR")


async def test_every_key_of_the_page_does_what_its_help_says(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    """None of them is typed into the marked field."""
    first, second = (waits(gateway, number) for number in (1, 2))

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{first}")
        for key, field in (("j", "currency"), ("j", "purchase_date"), ("k", "currency"), ("z", "currency")):
            visit.press(key)
            assert shown(visit, typing=False) == (field, {"total": "19.46", "currency": "EUR", "merchant": "Shop 1"})
        visit.press("d", "b")  # nothing is like it
        assert shown(visit, typing=False)[0] == "currency"
        visit.press("e")
        assert shown(visit, typing=True)[1]["currency"] == "EUR"
        visit.press(Keys.ESCAPE, "s")
        visit.until(lambda: str(second) in visit.one("#review-form").get_attribute("action"))
        visit.press("m")
        visit.until(lambda: str(first) in visit.one("#review-form").get_attribute("action"))

    await asyncio.to_thread(work)
    assert state_of(gateway.ledger, second) == "dismissed"


async def test_a_word_of_the_picture_fills_and_checks_warn(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    receipt = waits(gateway, 1)

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{receipt}")
        visit.until(lambda: len(chrome.find_elements(By.CSS_SELECTOR, "rect.word")) == len(_WORDS))
        word = chrome.find_elements(By.CSS_SELECTOR, "rect.word")[2]
        chrome.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", word)
        assert visit.one("#f-total").get_property("value") == "19.16"
        visit.press("e")
        visit.press("x")
        visit.until(lambda: "Total:" in visit.one("#checks").text)
        visit.press(Keys.ENTER)
        visit.until(lambda: "total:" in visit.one("#messages").text)
        assert visit.one("#f-total").get_property("value") == "x"  # nothing that was typed is lost

    await asyncio.to_thread(work)
    assert state_of(gateway.ledger, receipt) == "review"


async def test_a_field_of_a_further_page_is_shown_there(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    """Its box is in sight at once, its words fill the field, and a rectangle that is drawn there is of that page."""
    receipt = waits(gateway, 1, pages=3)
    gateway.parts.results.remove([preview_key(f"{1:064x}", 2)])  # as where it was read before each page had one

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{receipt}")
        visit.until(lambda: len(chrome.find_elements(By.CSS_SELECTOR, "rect.word")) == len(_WORDS))
        visit.until(lambda: [one.get_attribute("data-page") for one in visit.all("svg.boxes")] == ["1", "3"])
        box, paper = visit.one('[data-page="3"] [data-box=total]').rect, visit.one("[data-paper]").rect
        assert paper["y"] <= box["y"] and box["y"] + box["height"] <= paper["y"] + paper["height"]
        word = visit.all('[data-page="3"] rect.word')[2]
        chrome.execute_script("arguments[0].dispatchEvent(new MouseEvent('click', {bubbles: true}))", word)
        assert visit.one("#f-total").get_property("value") == "19.16"
        chrome.execute_script(
            "const to = fetch; fetch = (url, how) => { window.asked = `${how?.body}`; return to(url, how); }"
        )
        mouse = webdriver.ActionChains(chrome).move_to_element(word)
        mouse.click_and_hold().move_by_offset(30, -20).release().perform()
        visit.until(lambda: "Type the value" in visit.one("[data-drawn]").text)
        assert "page=3&" in chrome.execute_script("return window.asked")
        visit.go(f"receipts/{receipt}")
        assert len(visit.all(".sheet img")) in {2, 3}

    await asyncio.to_thread(work)


async def test_a_drawn_rectangle_is_read_again_or_says_why_not(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    """By mouse and by finger; Prefect is away here, tests/test_read_region.py reads."""
    receipt = waits(gateway, 1)

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{receipt}")
        visit.until(lambda: len(chrome.find_elements(By.CSS_SELECTOR, "rect.word")) == len(_WORDS))
        boxes, before = visit.one("svg.boxes"), visit.one("#f-total").get_property("value")
        mouse = webdriver.ActionChains(chrome).move_to_element_with_offset(boxes, -60, -60)
        mouse.click_and_hold().move_by_offset(90, 60).release().perform()
        visit.until(lambda: "Type the value" in visit.one("[data-drawn]").text)
        assert visit.one("#f-total").get_property("value") == before  # the click that ends a drawing fills nothing
        chrome.refresh()
        visit.one("[data-draw]").click()
        assert "drawing" in visit.one("svg.boxes").get_attribute("class")
        finger = ActionBuilder(chrome, mouse=PointerInput(POINTER_TOUCH, "finger"))
        finger.pointer_action.move_to(visit.one("svg.boxes"), -60, -60).pointer_down().move_to(
            visit.one("svg.boxes"), 40, 20
        ).pointer_up()
        finger.perform()
        visit.until(lambda: "Type the value" in visit.one("[data-drawn]").text)

    await asyncio.to_thread(work)
    assert state_of(gateway.ledger, receipt) == "review"


async def test_two_reviewers_at_once_lose_nothing(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    receipt = waits(gateway, 1)

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go(f"review/{receipt}")
        mine = chrome.current_window_handle
        chrome.switch_to.new_window("tab")
        visit.go(f"review/{receipt}")
        visit.one(".field.marked")
        visit.press("2", Keys.ENTER)
        visit.until(lambda: "Nothing waits for you." in visit.text())
        chrome.close()
        chrome.switch_to.window(mine)
        visit.press("e")
        visit.press("5", Keys.ENTER)
        visit.until(lambda: "changed meanwhile" in visit.one("#messages").text)
        assert visit.one("#f-total").get_property("value") == "5"

    await asyncio.to_thread(work)
    assert totals(gateway) == [Decimal("19.16")]


async def test_a_posted_expense_is_corrected(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    expensed(gateway.ledger)

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go("expenses")
        visit.one("td a").click()
        total = visit.one("#f-total")
        total.clear()
        total.send_keys("1.234,50", Keys.ENTER)
        visit.until(lambda: "Corrected." in visit.text())
        assert "12.50 → 1234.50" in visit.one(".history").text

    await asyncio.to_thread(work)
    assert totals(gateway) == [Decimal("1234.50")]


async def test_a_correction_stays_when_it_is_read_again_and_a_word_finds_it(
    gateway: Gateway, chrome: webdriver.Chrome
) -> None:
    receipt = expensed(gateway.ledger, merchant="Corner").receipt_id

    def work() -> None:
        visit = Visit(chrome, gateway)
        visit.sign_in()
        visit.go("expenses")
        visit.one("input[name=text]").send_keys("corn", Keys.ENTER)  # the beginning of a printed word
        visit.until(lambda: "text=corn" in chrome.current_url)
        visit.one("td a").click()
        total = visit.one("#f-total")
        total.clear()
        total.send_keys("7.70", Keys.ENTER)
        visit.until(lambda: "Corrected." in visit.text())
        visit.go(f"receipts/{receipt}")
        visit.one("form[action$='/retry'] button").click()
        visit.until(lambda: "It is read again." in visit.text())
        again = some_fields(merchant="Corner", total=Decimal("99.00")).model_copy(update={"parser_version": "2"})
        attempt = begun(gateway.ledger, receipt)  # as the worker does that reads it
        with gateway.ledger.session() as session:
            record_expense(attempt, again, Extraction("tesseract", "1"), session=session)
        chrome.refresh()
        assert "now read as 99.00" in visit.text() and "€7.70" in visit.text()

    await asyncio.to_thread(work)
    assert totals(gateway) == [Decimal("7.70")]


async def test_it_works_without_scripts(gateway: Gateway, tmp_path: Path) -> None:
    receipt = waits(gateway, 1)
    name = tmp_path / "plain.jpg"
    name.write_bytes(a_picture())

    def work() -> None:
        driver = browser("--blink-settings=scriptEnabled=false")
        try:
            visit = Visit(driver, gateway)
            visit.sign_in()
            visit.go("hand-in")
            visit.one("input[name=file]").send_keys(str(name))
            visit.one(".drop .plain button").click()
            visit.until(lambda: "1 receipt is safe." in visit.text())
            visit.go(f"review/{receipt}")
            total = visit.one("#f-total")
            total.clear()
            total.send_keys("3.30", Keys.ENTER)
            visit.until(lambda: "Booked: Shop 1, 3.30 EUR" in visit.text())
            visit.go("expenses?text=shop")
            visit.until(lambda: "Expenses" in driver.title)
        finally:
            driver.quit()

    await asyncio.to_thread(work)
    assert totals(gateway) == [Decimal("3.30")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_for_everybody(gateway: Gateway, chrome: webdriver.Chrome, scheme: str) -> None:
    """Axe finds nothing serious, at 320 pixels nothing is cut off, nothing is logged, no page is heavy."""
    receipt, posted = waits(gateway, 1), expensed(gateway.ledger, "anna/x.jpg", SHA256, merchant="M" * 60)
    with gateway.ledger.session() as session:
        public_id = find_expenses(owner="anna", session=session).items[0].public_id
    colours = ("color-contrast",) if scheme == "dark" else ()  # all that is another in the dark
    details = (f"review/{receipt}", f"receipts/{posted.receipt_id}", f"expenses/{public_id}")

    def work() -> dict[str, Any]:
        visit, wrong = Visit(chrome, gateway), {}
        visit.sign_in()
        chrome.get_log("browser")  # of the tests before
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        chrome.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        small = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
        for path in (*_PAGES, *details):
            chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
            visit.go(path)
            serious = serious_faults(chrome, *colours)
            chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", small)
            wide = chrome.execute_script("return document.documentElement.scrollWidth")
            bytes_ = chrome.execute_script(_COUNT_BYTES)
            if serious or wide > 320 or bytes_ > 150_000:
                wrong[path] = (serious, wide, bytes_)
        chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        # These receipts have no original, and some no picture.
        expected = ("/picture", "/original")
        messages = [line["message"] for line in chrome.get_log("browser")]
        logged = [message for message in messages if not any(part in message for part in expected)]
        return wrong | ({"console": logged} if logged else {})

    assert await asyncio.to_thread(work) == {}
