"""A real Chromium for the tests of pages, and a person before it. Debian: `apt install chromium chromium-driver`."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from axe_core_python.base import AXE_FILE_PATH
from export_programs import DEBIAN_PROGRAMS
from gateway_helpers import Gateway
from page_helpers import PASSWORD
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from flows.ledger.access import Role, add_person, set_password

CHROMIUM, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER) and not os.environ.get(DEBIAN_PROGRAMS),
    reason="no Chromium here: apt install chromium chromium-driver",
)
_PATIENCE_SECONDS, _LOOK_EVERY_SECONDS = 30, 0.05
WORKER_READY = "const done = arguments[0]; navigator.serviceWorker.ready.then(() => done(true));"
_RUN_AXE = "const [rules, done] = arguments; axe.run(rules).then(done, (error) => done(String(error)));"


def browser(*arguments: str) -> webdriver.Chrome:
    options = Options()
    options.binary_location = str(CHROMIUM)
    standard = ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en")
    for argument in (*standard, "--window-size=1280,900", *arguments):
        options.add_argument(argument)
    return webdriver.Chrome(options, Service(str(DRIVER)))


@pytest.fixture(scope="module")
def chrome() -> Iterator[webdriver.Chrome]:
    driver = browser()
    yield driver
    driver.quit()


class Visit:
    """A person before a browser, whom the gateway serves meanwhile."""

    def __init__(self, driver: webdriver.Chrome, gateway: Gateway) -> None:
        self.driver, self.url, self.ledger = driver, gateway.url, gateway.ledger

    def go(self, path: str) -> None:
        self.driver.get(f"{self.url}/app/{path}")

    def until(self, seen: Callable[[], Any]) -> Any:
        wait = WebDriverWait(self.driver, _PATIENCE_SECONDS, _LOOK_EVERY_SECONDS, ignored_exceptions=[Exception])
        return wait.until(lambda _: seen())

    def one(self, css: str) -> Any:
        return self.until(lambda: self.driver.find_element(By.CSS_SELECTOR, css))

    def all(self, css: str) -> list[Any]:
        return list(self.driver.find_elements(By.CSS_SELECTOR, css))

    def text(self) -> str:
        return str(self.driver.find_element(By.TAG_NAME, "body").text)

    def press(self, *keys: str) -> None:
        webdriver.ActionChains(self.driver).send_keys(*keys).perform()

    def sign_in(self) -> None:
        with self.ledger.session() as session:
            person = add_person("anna", "Ada", Role.ADMIN, session=session)
            set_password(person.id, PASSWORD, session=session)
        self.driver.delete_all_cookies()
        self.go("sign-in")
        self.one("[name=name]").send_keys("ada")
        self.one("[name=password]").send_keys(PASSWORD, Keys.ENTER)
        self.until(lambda: "Overview" in self.driver.title)


def a_picture() -> bytes:
    body = BytesIO()
    Image.new("RGB", (300, 600), "white").save(body, "JPEG")
    return body.getvalue()


def serious_faults(driver: webdriver.Chrome, *rules: str) -> list[tuple[str, str, str]]:
    """What axe finds on the page that keeps somebody from using it: the rule, where, and what to do.

    By all of its rules, or by these.
    """
    driver.execute_script(Path(AXE_FILE_PATH).read_text())
    result = driver.execute_async_script(_RUN_AXE, {"runOnly": rules} if rules else {})
    return [
        (one["id"], one["nodes"][0]["html"][:200], one["nodes"][0].get("failureSummary", "")[:300])
        for one in result["violations"]
        if one["impact"] in {"serious", "critical"}
    ]
