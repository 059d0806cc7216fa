"""The pages as an app: what is handed in without network waits on the device and is sent once; what other apps share is
asked for first; nobody sends another's; in a real Chromium with its service worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from io import BytesIO
from pathlib import Path
from typing import Any

from browser_helpers import WORKER_READY, Visit, a_picture, needs_chromium, serious_faults
from gateway_helpers import JPEG, Gateway, free_port
from page_helpers import PASSWORD, Browser
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from flows.ledger.access import Role, add_person, end_sessions, get_person, set_password
from flows.ledger.receipts import list_receipts

pytest_plugins = ["gateway_helpers", "page_helpers", "browser_helpers"]
Start = Callable[..., AbstractAsyncContextManager[Gateway]]
_WHOSE = "const done = arguments[0]; waiting.all().then((all) => done(all.map((one) => one.who)));"
_SHARE = """const form = document.createElement("form"), input = document.createElement("input");
const box = new DataTransfer(), file = new File([new Uint8Array(arguments[0])], "shared.jpg", { type: "image/jpeg" });
form.method = "post"; form.action = "/app/share"; form.enctype = "multipart/form-data";
input.type = "file"; input.name = "file"; box.items.add(file); input.files = box.files;
form.append(input); document.body.append(form); form.submit();"""


def receipts(gateway: Gateway, owner: str = "anna") -> list[str]:
    """The names of an owner's files, as far as the sender chose them."""
    with gateway.ledger.session() as session:
        return sorted(one.key[-5:-4] for one in list_receipts(owner=owner, limit=50, session=session).items)


def a_file(folder: Path, number: int) -> str:
    (folder / f"{number}.jpg").write_bytes(a_picture() + bytes([number]))
    return str(folder / f"{number}.jpg")


def opened(chrome: webdriver.Chrome, gateway: Gateway) -> Visit:
    """Signed in on the page to hand in, with its service worker at work."""
    visit = Visit(chrome, gateway)
    visit.sign_in()
    visit.go("hand-in")
    chrome.execute_async_script(WORKER_READY)
    return visit


@needs_chromium
async def test_what_is_chosen_while_nothing_answers_is_sent_once_later(
    start_gateway: Start, chrome: webdriver.Chrome, tmp_path: Path
) -> None:
    files = [a_file(tmp_path, number) for number in (1, 2, 3)]
    address = {"gateway_url": f"http://127.0.0.1:{free_port()}"}
    async with start_gateway(**address) as gateway:
        visit = await asyncio.to_thread(opened, chrome, gateway)

    def away() -> None:
        visit.one("input[multiple][data-picks]").send_keys("\n".join(files[:2]))
        visit.until(lambda: visit.one("#sending").text.count("Waits") == 2)
        chrome.refresh()
        visit.until(lambda: "No connection" in chrome.title)
        visit.until(lambda: visit.one("#sending").text.count("Waits") == 2)
        assert serious_faults(chrome) == []
        visit.one("input[capture][data-picks]").send_keys(files[2])  # the camera's button
        visit.until(lambda: visit.one("#sending").text.count("Waits") == 3)
        assert chrome.execute_async_script(_WHOSE) == ["Ada"] * 3

    await asyncio.to_thread(away)
    async with start_gateway(**address) as gateway:
        # By itself: the page without network goes on to the real one, with nobody's help.
        await asyncio.to_thread(visit.until, lambda: "Hand in" in chrome.title and "3.jpg" in visit.one("#latest").text)
        await asyncio.to_thread(visit.until, lambda: not chrome.find_elements(By.CSS_SELECTOR, "#sending li"))
        assert receipts(gateway) == ["1", "2", "3"]


@needs_chromium
async def test_a_device_that_is_offline_sends_when_it_is_online(
    gateway: Gateway, chrome: webdriver.Chrome, tmp_path: Path
) -> None:
    conditions = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}

    def work() -> None:
        visit = opened(chrome, gateway)
        # As in browsers without background sync: the service worker is another target, which stays online here and
        # would send at once.
        chrome.execute_script("waiting.sendLater = async () => {};")
        chrome.execute_cdp_cmd("Network.enable", {})
        try:
            chrome.execute_cdp_cmd("Network.emulateNetworkConditions", {**conditions, "offline": True})
            visit.one("input[multiple][data-picks]").send_keys(a_file(tmp_path, 1))
            visit.until(lambda: "No answer from receiptflow" in visit.one("#sending").text)
            assert receipts(gateway) == []
        finally:
            chrome.execute_cdp_cmd("Network.emulateNetworkConditions", {**conditions, "offline": False})
        visit.until(lambda: "1.jpg" in visit.one("#latest").text)

    await asyncio.to_thread(work)
    assert receipts(gateway) == ["1"]


@needs_chromium
async def test_without_a_session_it_waits_and_nobody_sends_anothers(
    gateway: Gateway, chrome: webdriver.Chrome, tmp_path: Path
) -> None:
    def work() -> None:
        visit = opened(chrome, gateway)
        with gateway.ledger.session() as session:
            end_sessions(get_person("Ada", session=session).id, session=session)
            set_password(add_person("bert", "Bo", Role.ADMIN, session=session).id, PASSWORD, session=session)
        visit.one("input[multiple][data-picks]").send_keys(a_file(tmp_path, 1))
        visit.until(lambda: "You are signed out" in visit.one("#sending-note").text)
        visit.one("#sending-note a").click()
        visit.one("[name=name]").send_keys("bo")
        visit.one("[name=password]").send_keys(PASSWORD, Keys.ENTER)
        visit.until(lambda: "Chosen by Ada" in visit.one("#sending").text)
        assert receipts(gateway) + receipts(gateway, "bert") == []
        chrome.delete_all_cookies()
        visit.go("hand-in")
        visit.one("[name=name]").send_keys("ada")
        visit.one("[name=password]").send_keys(PASSWORD, Keys.ENTER)
        visit.until(lambda: "1.jpg" in visit.one("#latest").text)

    await asyncio.to_thread(work)
    assert (receipts(gateway), receipts(gateway, "bert")) == (["1"], [])


@needs_chromium
async def test_what_another_app_shares_is_asked_for_first(gateway: Gateway, chrome: webdriver.Chrome) -> None:
    def work() -> None:
        visit = opened(chrome, gateway)
        chrome.delete_all_cookies()  # nobody is signed in, and nothing is lost
        chrome.execute_script(_SHARE, list(a_picture() + b"4"))
        visit.until(lambda: "Sign in" in chrome.title)
        visit.one("[name=name]").send_keys("ada")
        visit.one("[name=password]").send_keys(PASSWORD, Keys.ENTER)
        visit.until(lambda: "Shared by another app" in visit.one("#sending").text)
        assert receipts(gateway) == []
        visit.one("#sending button.primary").click()
        visit.until(lambda: "shared.jpg" in visit.one("#latest").text)

    await asyncio.to_thread(work)
    assert receipts(gateway) == ["d"]


async def test_a_repeated_sending_makes_one_receipt(reviewer: Browser, gateway: Gateway) -> None:
    headers = {"X-CSRF-Token": reviewer.token, "Accept": "application/json", "Idempotency-Key": "4f1c-1"}
    answers = [
        await reviewer.client.post("/app/hand-in", files={"file": ("1.jpg", JPEG, "image/jpeg")}, headers=headers)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    assert receipts(gateway) == ["1"]
    other = await reviewer.client.post("/app/hand-in", files={"file": ("2.jpg", JPEG + b"2")}, headers=headers)
    assert other.status_code == 422


async def test_scripts_are_told_that_the_session_has_ended(gateway: Gateway, viewer: Browser) -> None:
    accept = {"Accept": "application/json"}
    for method, path in (("GET", "/app/hand-in/session"), ("POST", "/app/hand-in")):
        answer = await gateway.nobody.request(method, path, headers=accept)
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert (await viewer.client.get("/app/hand-in/session", headers=accept)).status_code == 403


async def test_a_page_cannot_share(reviewer: Browser, gateway: Gateway) -> None:
    files: Any = {"file": ("1.jpg", JPEG, "image/jpeg")}
    for site in ("cross-site", "same-site", "same-origin", ""):
        answer = await reviewer.client.post("/app/share", files=files, headers={"Sec-Fetch-Site": site} if site else {})
        assert answer.status_code == 403, site
    assert receipts(gateway) == []


async def test_a_share_without_the_service_worker_is_taken_in_if_somebody_is_signed_in(
    gateway: Gateway, reviewer: Browser, viewer: Browser
) -> None:
    files: Any = {"file": ("1.jpg", JPEG, "image/jpeg")}
    headers = {"Sec-Fetch-Site": "none"}
    nobody = await gateway.nobody.post("/app/share", files=files, headers=headers)
    assert nobody.status_code == 401
    assert "Sign in, and share again" in nobody.text
    assert (await viewer.client.post("/app/share", files=files, headers=headers)).status_code == 403
    assert receipts(gateway) == []
    assert (await reviewer.client.post("/app/share", files=files, headers=headers)).status_code == 303
    assert receipts(gateway) == ["1"]


async def test_a_browser_finds_all_that_it_needs_to_install(gateway: Gateway) -> None:
    answer = await gateway.nobody.get("/app/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = answer.json()
    assert manifest["share_target"]["params"]["files"][0]["name"] == "file"
    for icon in manifest["icons"]:
        found = await gateway.nobody.get(icon["src"])
        assert found.headers["content-type"] == icon["type"]
        if icon["sizes"] != "any":
            assert "x".join(map(str, Image.open(BytesIO(found.content)).size)) == icon["sizes"]
    worker = await gateway.nobody.get("/app/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    assert "script-src 'self'" in worker.headers["content-security-policy"]
