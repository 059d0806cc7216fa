"""The gateway listens at once: until it can work it says what it waits for, refuses the rest, and then goes on."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from browser_helpers import needs_chromium
from gateway_helpers import JPEG, free_port
from selenium import webdriver

from deployments.gateway.api.health import Readiness
from deployments.stack import Stack
from flows.ledger.migrate import create_database, schema_is_current, upgrade

pytest_plugins = ["browser_helpers"]
PAGE = {"Accept": "text/html,*/*"}
_PATIENCE_SECONDS = 60


@dataclass
class Starting:
    """A gateway's process, and the ledger's database, which is not there yet."""

    process: subprocess.Popen[bytes]
    client: httpx.Client
    ledger_url: str
    log: Path

    def until(self, path: str, status: int) -> httpx.Response:
        """The first answer of this status."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while (answer := self.get(path)) is None or answer.status_code != status:
            assert time.monotonic() < end, (answer, self.log.read_text())
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return answer

    def get(self, path: str) -> httpx.Response | None:
        try:
            return self.client.get(path)
        except httpx.ConnectError:
            return None


@pytest.fixture
def starting(seaweedfs: Stack, postgres: Stack, tmp_path: Path) -> Iterator[Starting]:
    url, log = postgres.settings.database_url(f"starting_{uuid.uuid4().hex[:8]}"), tmp_path / "gateway.log"
    address = f"http://127.0.0.1:{free_port()}"
    own = {"RECEIPTFLOW_LEDGER_URL": url, "RECEIPTFLOW_GATEWAY_URL": address, "RECEIPTFLOW_PORT": "0"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "deployments.gateway", "--upgrade"],
            env={**os.environ, **seaweedfs.environment, **own},
            stderr=output,
        )
    try:
        with httpx.Client(base_url=address, timeout=60) as client:
            yield Starting(process, client, url, log)
    finally:
        process.kill()
        process.wait()


def test_a_page_says_what_is_awaited_and_then_the_pages_are_there(starting: Starting) -> None:
    starting.until("/health", 200)
    page = starting.client.get("/app/receipts", headers=PAGE)
    assert (page.status_code, page.headers["retry-after"], page.headers["cache-control"]) == (503, "1", "no-store")
    assert "receiptflow is starting" in page.text
    assert 'http-equiv="refresh"' in page.text
    form = starting.client.post("/app/sign-in", headers=PAGE, data={"name": "a"})
    assert (form.status_code, "refresh" in form.text) == (503, False)
    style = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert starting.client.get(style).headers["content-type"].startswith("text/css")
    assert starting.client.get("/", headers=PAGE).headers["location"] == "/app/"
    german = starting.client.get("/app/", headers=PAGE | {"Accept-Language": "de-AT"}).text
    assert 'lang="de"' in german
    assert "receiptflow startet" in german
    create_database(starting.ledger_url)
    starting.until("/ready", 200)
    assert schema_is_current(starting.ledger_url)
    assert starting.client.get("/app/receipts", headers=PAGE).headers["location"].startswith("/app/sign-in")


def test_it_says_that_it_waits_for_the_database(starting: Starting) -> None:
    end = time.monotonic() + _PATIENCE_SECONDS
    starting.until("/health", 200)
    while "The database is being started" not in starting.client.get("/app/", headers=PAGE).text:
        assert time.monotonic() < end
        time.sleep(0.05)
    while "waiting for the ledger" not in starting.log.read_text():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_the_api_refuses_with_a_problem_and_says_when_to_come_again(starting: Starting) -> None:
    starting.until("/health", 200)
    answer = starting.client.post("/receipts", content=JPEG * 100, headers={"Content-Type": "image/jpeg"})
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["detail"].startswith("receiptflow is starting: ")
    assert starting.client.get("/receipts").json()["status"] == 503  # on a connection that is still good
    ready = starting.client.get("/ready")
    assert ready.status_code == 503
    assert ready.json() == Readiness(ready=False, ledger=False, storage=False, prefect=False, services={}).model_dump()


def test_it_stops_while_it_waits(starting: Starting) -> None:
    starting.until("/health", 200)
    starting.process.send_signal(signal.SIGTERM)
    assert starting.process.wait(_PATIENCE_SECONDS) == -signal.SIGTERM
    assert "Traceback" not in starting.log.read_text()


def test_what_cannot_be_upgraded_ends_it_with_a_line(starting: Starting) -> None:
    create_database(starting.ledger_url)
    starting.process.send_signal(signal.SIGSTOP)
    upgrade(starting.ledger_url)
    _rename_revision(starting.ledger_url)
    starting.process.send_signal(signal.SIGCONT)
    assert starting.process.wait(_PATIENCE_SECONDS) == 1
    assert (
        starting.log.read_text().splitlines()[-1].startswith("receiptflow: the ledger's schema is not this version's")
    )


def _rename_revision(url: str) -> None:
    from sqlalchemy import create_engine, text  # noqa: PLC0415

    with create_engine(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))


@needs_chromium
async def test_a_browser_goes_on_by_itself(starting: Starting, chrome: webdriver.Chrome) -> None:
    def work() -> str:
        starting.until("/health", 200)
        chrome.get(f"{starting.client.base_url}/app/sign-in#a-code")
        assert chrome.title == "Starting · receiptflow"
        create_database(starting.ledger_url)
        end = time.monotonic() + _PATIENCE_SECONDS
        while "Starting" in chrome.title:
            assert time.monotonic() < end
            time.sleep(0.1)
        return str(chrome.current_url)

    assert (await asyncio.to_thread(work)).endswith("#a-code")
