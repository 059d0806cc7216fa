"""How many keys and clicks the review of real receipts takes a person who knows what is right.

    python -m benchmarks.bench_review FOLDER… [--words KEPT] [--json FILE] [--list]

Starts PostgreSQL and SeaweedFS, takes each folder's receipts (with `truth.json`, as for `make accuracy`) through the
pipeline's steps, serves the gateway, and works its review queue in real Chromium to the end (`person`). Every key and
click behind the opened receipt counts, the one that books it too. `keys_right` is the median over receipts whose values
are right as read or among the candidates that the page shows, `keys_rest` that of the others. What was booked is held
against the truth at the end.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import uvicorn
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, temporary_settings
from pydantic import SecretStr
from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from benchmarks.bench_review.material import OWNER, Material, hand_in, pipeline_of
from benchmarks.bench_review.person import Reviewed, Reviewer, ReviewError, is_right
from benchmarks.machine import machine
from deployments.gateway.app import create_app
from deployments.settings import GatewaySettings
from deployments.stack import Stack
from deployments.stack.settings import StackSettings
from flows.ledger.access import Role, add_person, set_password
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.expenses import expenses_of_content
from flows.ledger.migrate import upgrade
from flows.ledger.receipts import get_receipt

_NAME, _PASSWORD = "bench", "a password of this bench only"
_FIELDS = ("total", "currency", "purchase_date", "merchant")
_WORST = 12


def main() -> None:
    """Hand in, review, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--words", type=Path, help="take kept words from here, and keep those that are not there")
    parser.add_argument("--list", action="store_true", help="print every receipt's keys")
    parser.add_argument("--port", type=int, default=27_960)
    given = parser.parse_args()
    with _chromium() as driver, _served(given.port) as (settings, ledger):
        with pipeline_of(settings, ledger, given.words) as pipeline:
            material = {key: one for folder in given.folders for key, one in hand_in(pipeline, folder).items()}
        reviewed = _work_queue(Reviewer(driver, settings.gateway_url), material)
        wrong = _wrong(ledger, reviewed, material)
    figures = _figures(reviewed, material, wrong)
    print(json.dumps(figures, indent=2, ensure_ascii=False))
    waiting = sum(one.state == "review" for one in material.values())
    _print_worst(reviewed, material, len(reviewed) if given.list else _WORST)
    if given.json:
        given.json.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if len(reviewed) < waiting:
        raise SystemExit(f"{len(reviewed)} of {waiting} were reviewed")


@contextmanager
def _served(port: int) -> Iterator[tuple[GatewaySettings, Ledger]]:
    """A gateway that listens, on a ledger and buckets of its own, with one reviewer."""
    with tempfile.TemporaryDirectory(prefix="receiptflow-bench-") as folder:
        stack_settings = StackSettings(data_dir=Path(folder, "data"), port=port)
        with Stack(stack_settings, core=["postgres", "seaweedfs"]) as stack:
            env = stack.environment
            upgrade(env["RECEIPTFLOW_LEDGER_URL"])
            settings = GatewaySettings(
                ledger_url=SecretStr(env["RECEIPTFLOW_LEDGER_URL"]),
                gateway_url=f"http://127.0.0.1:{port + 30}",
                s3_endpoint_url=env["RECEIPTFLOW_S3_ENDPOINT_URL"],
                s3_access_key=env["RECEIPTFLOW_S3_ACCESS_KEY"],
                s3_secret_key=SecretStr(env["RECEIPTFLOW_S3_SECRET_KEY"]),
                request_rate="1000000/minute",
            )
            ledger = open_ledger(env["RECEIPTFLOW_LEDGER_URL"])
            with ledger.session() as session:
                person = add_person(OWNER, _NAME, Role.REVIEWER, session=session)
                set_password(person.id, _PASSWORD, session=session)
            # Prefect is away: nothing listens at this address.
            away = {PREFECT_API_URL: f"http://127.0.0.1:{port + 31}/api", PREFECT_CLIENT_MAX_RETRIES: 0}
            with temporary_settings(away), _listening(settings):
                yield settings, ledger
            ledger.close()


@contextmanager
def _listening(settings: GatewaySettings) -> Iterator[None]:
    server = uvicorn.Server(uvicorn.Config(create_app(settings), port=settings.port, log_config=None))
    settings_here = copy_context()  # of Prefect; a thread begins without them, and would start a server of its own
    thread = threading.Thread(target=lambda: settings_here.run(asyncio.run, server.serve()), daemon=True)
    thread.start()
    while not server.started:
        thread.join(0.05)
        if not thread.is_alive():
            raise SystemExit("the gateway did not start")
    yield
    server.should_exit = True
    thread.join()


@contextmanager
def _chromium() -> Iterator[webdriver.Chrome]:
    programs = shutil.which("chromium"), shutil.which("chromedriver")
    if None in programs:
        raise SystemExit("no Chromium here: apt install chromium chromium-driver")
    options = Options()
    options.binary_location = str(programs[0])
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--lang=en"):
        options.add_argument(argument)
    options.add_argument("--window-size=1280,900")
    driver = webdriver.Chrome(options, Service(str(programs[1])))
    driver.set_script_timeout(30)
    yield driver
    driver.quit()


def _work_queue(reviewer: Reviewer, material: dict[UUID, Material]) -> list[Reviewed]:
    reviewer.sign_in(_NAME, _PASSWORD)
    reviewed: list[Reviewed] = []
    if any(one.state == "review" for one in material.values()):
        reviewer.begin()
    while receipt_id := reviewer.receipt_id:
        known = material[receipt_id]
        try:
            reviewed.append(reviewer.review(receipt_id, known.truth))
        except (ReviewError, TimeoutException) as error:
            print(f"stopped at {known.file} after {len(reviewed)}: {error!r}")  # what was counted so far is shown
            break
    return reviewed


def _wrong(ledger: Ledger, reviewed: list[Reviewed], material: dict[UUID, Material]) -> list[str]:
    """Which booked fields are not what the truth says."""
    wrong = []
    with ledger.session() as session:
        for one in reviewed:
            known, receipt = material[one.receipt_id], get_receipt(one.receipt_id, session=session)
            expenses = expenses_of_content(receipt.content_id, session=session) if receipt.content_id else ()
            booked = [each for each in expenses if each.voided_at is None]
            values = {name: getattr(booked[0], name, None) for name in _FIELDS} if len(booked) == 1 else {}
            wrong += [
                f"{known.file}: {name} is {values.get(name)}"
                for name in _FIELDS
                if not is_right(name, values.get(name), known.truth)
            ]
    return wrong


def _figures(reviewed: list[Reviewed], material: dict[UUID, Material], wrong: list[str]) -> dict[str, Any]:
    groups = {offered: [one.count for one in reviewed if one.offered is offered] for offered in (True, False)}
    return {
        "keys_right": median(groups[True]) if groups[True] else None,
        "keys_rest": median(groups[False]) if groups[False] else None,
        "receipts_right": len(groups[True]),
        "receipts_rest": len(groups[False]),
        "distribution_right": dict(sorted(Counter(groups[True]).items())),
        "distribution_rest": dict(sorted(Counter(groups[False]).items())),
        "states": dict(Counter(one.state for one in material.values())),
        "booked_wrong": wrong,
        "machine": machine(),
    }


def _print_worst(reviewed: list[Reviewed], material: dict[UUID, Material], most: int) -> None:
    for one in sorted(reviewed, key=lambda each: -each.count)[:most]:
        kind = "offered" if one.offered else "rest"
        print(f"{one.count:3} {kind:8} {material[one.receipt_id].file}: {' '.join(one.moves)}")
        print(f"    {one.reasons.replace(chr(10), '; ')}")


if __name__ == "__main__":
    main()
