"""The pages in a real Chromium of a phone's size: nothing cut off, names beside pictures, the open tab in sight.

Skipped where no Chromium is installed (Debian: `apt install chromium chromium-driver`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest
from browser_helpers import Visit, needs_chromium
from gateway_helpers import Gateway
from ledger_helpers import SHA256, claimed, expensed, received, some_fields
from selenium import webdriver

from flows.ledger.receipts import record_review
from flows.ledger.values import Extraction

pytestmark = needs_chromium
pytest_plugins = ["gateway_helpers", "browser_helpers"]
_PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
_WIDER = "return document.documentElement.scrollWidth - 390"
_CUT_OFF = """return [...document.querySelectorAll("#side a span")]
  .filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.textContent)"""
_OUT_OF_SIGHT = """const tab = document.querySelector(".tabs [aria-current]").getBoundingClientRect();
return tab.left < 0 || tab.right > innerWidth"""
# From the right edge of each row's picture to its name.
_GAPS = """return [...document.querySelectorAll("table.cards tbody tr")].map((row) =>
  row.querySelector("a strong").getBoundingClientRect().left
  - row.querySelector(".thumb").getBoundingClientRect().right)"""


@pytest.fixture
def phone(chrome: webdriver.Chrome) -> Iterator[webdriver.Chrome]:
    """A browser that is a phone before it loads a page, as phones are."""
    chrome.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", _PHONE)
    yield chrome
    chrome.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.parametrize("language", ["en", "de"])
async def test_a_phones_pages_have_nothing_cut_off(gateway: Gateway, phone: webdriver.Chrome, language: str) -> None:
    def work() -> dict[str, Any]:
        visit, wrong = Visit(phone, gateway), {}
        visit.sign_in()
        visit.go("account")
        visit.one(f"[name=language] option[value={language}]").click()
        visit.one("form[action$=language] button").click()
        visit.until(lambda: visit.one("html").get_attribute("lang") == language)
        for path in ("", "hand-in", "offline", "receipts", "expenses", "exports", "people"):
            visit.go(path)
            visit.one("html.js")
            faults = (phone.execute_script(_WIDER), phone.execute_script(_CUT_OFF))
            if faults != (0, []):
                wrong[path] = faults
        return wrong

    assert await asyncio.to_thread(work) == {}


async def test_the_open_tab_of_the_settings_is_in_sight(gateway: Gateway, phone: webdriver.Chrome) -> None:
    def work() -> list[str]:
        visit = Visit(phone, gateway)
        visit.sign_in()
        hidden = []
        for path in ("account", "categories", "people", "webhooks"):
            visit.go(path)
            visit.one("html.js .tabs [aria-current]")
            if phone.execute_script(_OUT_OF_SIGHT):
                hidden.append(path)
        return hidden

    assert await asyncio.to_thread(work) == []


async def test_a_lists_names_stand_beside_their_pictures(gateway: Gateway, phone: webdriver.Chrome) -> None:
    """Rows with a box to choose them and rows without one."""
    expensed(gateway.ledger, "anna/x.jpg", SHA256)
    received(gateway.ledger, "anna/waits.jpg")
    unsure = claimed(gateway.ledger, "anna/unsure.jpg", "c" * 64)
    read = some_fields().model_copy(update={"decision": "review"})
    with gateway.ledger.session() as session:
        record_review(unsure, read, Extraction("t", "1"), reasons=("total: none was found",), session=session)

    def work() -> dict[str, list[float]]:
        visit = Visit(phone, gateway)
        visit.sign_in()
        gaps = {}
        for path in ("receipts", "review"):
            visit.go(path)
            visit.one("table.cards .thumb")
            gaps[path] = phone.execute_script(_GAPS)
        return gaps

    gaps = await asyncio.to_thread(work)
    assert [len(gaps[path]) for path in ("receipts", "review")] == [3, 1]
    assert all(0 < gap < 30 for found in gaps.values() for gap in found), gaps
