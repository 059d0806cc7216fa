"""A newcomer's first hour with a phone: the printed link, ten receipts handed in, the unsure reviewed, all exported."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import ocr_pages
import pytest
from browser_helpers import Visit, browser, needs_chromium
from gateway_helpers import Gateway
from up_helpers import Running

from deployments.samples import render_samples

pytest_plugins = ["up_helpers"]
pytestmark = needs_chromium
_CLEAR = 8
# What the two receipts without any country or currency print.
_PRINTED = {"purchase_date": "2024-03-14", "total": "10.90"}
_KEEP_BOTH = "button[data-keep]"
_PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 3, "mobile": True}


@pytest.fixture
def phone(running: Running) -> Iterator[Visit]:
    driver = browser("--window-size=390,844")
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", _PHONE)
    yield Visit(driver, cast("Gateway", SimpleNamespace(url=running.env["RECEIPTFLOW_GATEWAY_URL"], ledger=None)))
    driver.quit()


def ten_receipts(folder: Path) -> dict[str, Decimal]:
    """Eight samples and two that nobody can be sure of, each name with its total."""
    render_samples(folder, count=_CLEAR)
    truth = json.loads((folder / "truth.json").read_text())
    (folder / "truth.json").unlink()
    totals = {name: Decimal(str(one["total"])) for name, one in truth.items()}
    for number in (1, 2):
        name = f"bakery {number}.png"
        ocr_pages.receipt(paper=248 - number).save(folder / name)
        totals[name] = Decimal(_PRINTED["total"])
    return totals


def test_ten_receipts_from_the_printed_link_to_the_exported_file(
    running: Running, phone: Visit, tmp_path: Path
) -> None:
    totals = ten_receipts(tmp_path / "camera")
    link = re.search(r"Sign in +(\S+) +\(works once\)", running.printed)
    assert link, running.printed
    phone.driver.get(link[1])
    phone.until(lambda: "sign-in" not in phone.driver.current_url)
    phone.go("hand-in")
    phone.one("input[multiple][data-picks]").send_keys("\n".join(map(str, sorted((tmp_path / "camera").iterdir()))))
    phone.until(lambda: phone.text().count("Safe") == len(totals) or len(_states(running)) == len(totals))
    for receipt in running.cli("receipts"):
        running.wait_for(receipt["key"])
    phone.go("review/next")
    for _ in range(len(totals)):
        if not phone.all("#review-form"):
            break
        _book(phone)
    phone.until(lambda: "Nothing" in phone.text())
    assert set(_states(running).values()) == {"expensed"}
    phone.go("exports/hledger")
    phone.one("button.primary").click()
    phone.until(lambda: "Export 1 is made: 10 new" in phone.text())
    phone.one("button.primary").click()
    phone.until(lambda: "Export 1 is made" not in phone.text())
    assert "Export 2" not in phone.text(), "it books nothing twice"
    assert _scrolls_sideways(phone) is False
    files = _downloaded(phone, "exports/csv/files")
    (rows,) = (list(csv.DictReader(io.StringIO(text))) for name, text in files.items() if name.endswith(".csv"))
    assert sorted(Decimal(row["total"]) for row in rows) == sorted(totals.values())


def _states(running: Running) -> dict[str, str]:
    return {row["key"]: row["state"] for row in running.cli("receipts")}


def _book(phone: Visit) -> None:
    """Fill what is missing in as a person would who sees the picture, and book."""
    form = phone.one("#review-form")
    address = form.get_attribute("action")
    for name, value in (_PRINTED | {"currency": "EUR"}).items():
        field = phone.one(f"#f-{name}")
        if not field.get_property("value"):
            field.send_keys(value)
    phone.one("[data-book]").click()

    def has_gone() -> bool:
        return not phone.all("#review-form") or phone.one("#review-form").get_attribute("action") != address

    phone.until(lambda: has_gone() or phone.all(_KEEP_BOTH))
    if not has_gone():  # the two look like one purchase, and a person says that they are not
        phone.one(_KEEP_BOTH).click()
        phone.until(has_gone)


def _scrolls_sideways(phone: Visit) -> Any:
    return phone.driver.execute_script("return document.documentElement.scrollWidth > window.innerWidth")


def _downloaded(phone: Visit, path: str) -> dict[str, str]:
    """What this browser gets under an address, by file name."""
    cookies = {one["name"]: one["value"] for one in phone.driver.get_cookies()}
    answer = httpx.get(f"{phone.url}/app/{path}", cookies=cookies, timeout=60).raise_for_status()
    name = re.search(r'filename="?([^";]+)', answer.headers["content-disposition"])
    return {name[1] if name else "": answer.text}
