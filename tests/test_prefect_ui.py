"""Prefect's UI tells the truth about receipts: its default filter, its counts, its forms and its automation.

The questions are the UI's own: the names of states that it filters by are read from its installed bundles.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import prefect
import pytest
from browser_helpers import browser, needs_chromium
from recovery_helpers import Live, picture, pointed_at, until
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from deployments.provisioning.automations import FAILED_RUNS
from flows.ledger.schema import State
from flows.ledger.views import ReceiptView

JUNK = b"no picture"
_BUNDLES = {"v1": Path(prefect.__ui_static_path__), "v2": Path(prefect.__ui_v2_static_path__)}


def all_except_scheduled(bundle: Path) -> list[str]:
    """The state names that the UI's filter "All except scheduled" asks for."""
    lists = {
        found
        for file in (bundle / "assets").glob("*.js")
        for found in re.findall(r"\[`Scheduled`,`Late`(?:,`\w+`)+\]", file.read_text())
    }
    (names,) = lists
    return [name for name in re.findall(r"`(\w+)`", names) if name != "Scheduled"]


@pytest.fixture(scope="module")
def live(running_pipeline: Any) -> Iterator[Live]:
    """The pipeline with its worker, as all tests of this module see it."""
    stack, pipeline, log = running_pipeline
    with pointed_at(stack) as client:
        yield Live(stack, pipeline, client, log)


@pytest.fixture(scope="module")
def outcomes(live: Live) -> dict[State, ReceiptView]:
    """One receipt of each outcome, each with its ended run."""
    data = picture()
    first = live.final(live.add(data))
    found = [first, live.final(live.add(data)), live.final(live.add(JUNK))]
    for receipt in found:
        live.ended(receipt)
    by_state = {receipt.state: receipt for receipt in found}
    assert len(by_state) == 3
    return by_state


def count(live: Live, receipts: list[ReceiptView], **filters: Any) -> int:
    run_filter = {"id": {"any_": [str(one.flow_run_id) for one in receipts]}, **filters}
    counted: int = live.client.request("POST", "/flow_runs/count", json={"flow_runs": run_filter}).json()
    return counted


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_the_default_filter_shows_every_run(live: Live, outcomes: dict[State, ReceiptView], version: str) -> None:
    names = all_except_scheduled(_BUNDLES[version])
    assert "Completed" in names
    assert count(live, list(outcomes.values()), state={"name": {"any_": names}}) == 3


def test_quarantined_receipts_and_no_others_are_counted_as_failed(
    live: Live, outcomes: dict[State, ReceiptView]
) -> None:
    failed = {"type": {"any_": ["FAILED", "CRASHED"]}}
    assert count(live, list(outcomes.values()), state=failed) == 1
    assert count(live, [outcomes[State.QUARANTINED]], state=failed) == 1
    run = live.run(outcomes[State.QUARANTINED])
    assert run.state is not None and (run.state.message or "").startswith("Quarantined: ")


def test_what_needs_a_person_says_so_in_name_and_tag(live: Live, outcomes: dict[State, ReceiptView]) -> None:
    for state, receipt in outcomes.items():
        run = live.run(receipt)
        if state is State.EXPENSED:
            assert run.name == receipt.key
            assert not {*run.tags} & {state.value for state in State}
        else:
            assert run.name == f"{state}: {receipt.key}"
            assert state.value in run.tags


def test_retry_in_the_ui_reads_a_quarantined_receipt_again(live: Live, outcomes: dict[State, ReceiptView]) -> None:
    """And recovery leaves its failed run alone, before and after."""
    receipt = outcomes[State.QUARANTINED]
    assert live.receipt(receipt.id).attempt == 1
    body = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}, "force": False}
    live.client.request("POST", f"/flow_runs/{receipt.flow_run_id}/set_state", json=body)
    until(lambda: live.receipt(receipt.id).attempt == 2, "the second reading")
    assert live.final(receipt.id).state is State.QUARANTINED
    run = live.ended(receipt)
    assert (run.id, run.state_name, run.run_count) == (receipt.flow_run_id, "Failed", 2)
    assert list(run.tags).count("quarantined") == 1


@pytest.fixture
def automation(live: Live) -> Iterator[dict[str, Any]]:
    """The installed automation, switched on for one test."""
    (found,) = live.client.request(
        "POST", "/automations/filter", json={"automations": {"name": {"any_": [FAILED_RUNS]}}}
    ).json()
    assert found["enabled"] is False
    live.client.request("PATCH", f"/automations/{found['id']}", json={"enabled": True})
    yield found
    live.client.request("PATCH", f"/automations/{found['id']}", json={"enabled": False})


def test_the_automation_notifies_of_quarantined_receipts_alone(live: Live, automation: dict[str, Any]) -> None:
    read, junk = (live.final(live.add(data)) for data in (picture(), JUNK + b", another one"))
    assert (read.state, junk.state) == (State.EXPENSED, State.QUARANTINED)
    action = automation["actions"][0]
    filters = {"deployments": {"id": {"any_": [action["deployment_id"]]}}}

    def notified() -> list[str]:
        runs = live.client.request("POST", "/flow_runs/filter", json=filters).json()
        return [f"{run['parameters']['subject']} {run['parameters']['body']}" for run in runs]

    (message,) = until(lambda: [text for text in notified() if junk.key in text], "the notification")
    assert "quarantined: " in message and str(junk.reason) in message
    assert not any(read.key in text for text in notified())


def test_a_browser_is_kept_to_the_server(live: Live) -> None:
    address = live.stack.settings.prefect_url
    for path in ("/runs", "/v2/runs"):
        page = httpx.get(f"{address}{path}", headers={"Accept": "text/html"})
        policy = page.headers["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert f"connect-src 'self' {address} " in policy
        assert "https:" not in policy and "*" not in policy


@needs_chromium
@pytest.mark.parametrize("path", ["/login", "/v2/login"])
def test_the_login_tells_what_it_wants_and_takes_it(live: Live, path: str) -> None:
    driver, environment = browser(), live.stack.environment
    wait = WebDriverWait(driver, 60, 0.05, ignored_exceptions=[Exception])
    try:
        driver.get(f"{live.stack.settings.prefect_url}{path}")
        wait.until(lambda _: "receiptflow env" in driver.find_element(By.ID, "receiptflow-login").text)
        link = driver.find_element(By.CSS_SELECTOR, "#receiptflow-login a").get_attribute("href")
        assert link == f"{environment['RECEIPTFLOW_PUBLIC_URL']}/app"
        assert "went wrong" not in driver.find_element(By.TAG_NAME, "body").text
        field = driver.find_element(By.CSS_SELECTOR, "input[type=password]")
        field.send_keys(environment["PREFECT_API_AUTH_STRING"], Keys.ENTER)
        wait.until(lambda _: "/login" not in driver.current_url)
        wait.until(lambda _: not driver.find_elements(By.ID, "receiptflow-login"))
    finally:
        driver.quit()
