"""How `make chaos` counts the time until work went on: by kind of fault, from when what was struck was back."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from benchmarks.chaos.deletions import resurrected
from benchmarks.chaos.evidence import Evidence, Execution, read_executions
from benchmarks.chaos.faults import CARDS, Deck, Strike
from benchmarks.chaos.operations import CARDS as OPERATIONS
from benchmarks.chaos.operations import Deleted
from benchmarks.chaos.outside import Delivery
from benchmarks.chaos.page import page
from benchmarks.chaos.report import as_json
from benchmarks.chaos.resumption import Resumption, bound_of, resumptions
from benchmarks.chaos.second_host import faketime_library, wrong_clock
from benchmarks.chaos.verdict import Verdict, corrections_lost, notified_twice, reexecuted, unnotified
from benchmarks.machine import machine
from flows.pipeline.durable_step import EXECUTION_LOG, log_execution


def _ran(run: UUID, *times: float) -> Evidence:
    waiting = {"received_at": dt.datetime.fromtimestamp(0, dt.UTC), "finished_at": None}
    return Evidence(receipts=[waiting], run_states={run: [(at, "RUNNING", "Running") for at in times]})


def _seconds(evidence: Evidence, *strikes: Strike) -> dict[str, list[float]]:
    return {kind: [one.seconds for one in found] for kind, found in resumptions(evidence, strikes).items()}


def test_an_interrupted_run_counts_from_when_its_worker_was_back() -> None:
    run = uuid4()
    strike = Strike("worker", "hang", 100, back=105, interrupted=frozenset({run}))
    assert _seconds(_ran(run, 90, 107), strike) == {"worker hang": [2]}


@pytest.mark.parametrize("server_at", [95, 100.2])
def test_a_run_that_waits_for_a_server_too_counts_for_the_server(server_at: float) -> None:
    run = uuid4()
    worker = Strike("worker", "hang", 100, back=105, interrupted=frozenset({run}))
    server = Strike("server", "kill", server_at, back=114)
    found = _seconds(_ran(run, 90, 121), worker, server)
    assert set(found) == {"server kill"}
    assert max(found["server kill"]) == 7
    assert (bound_of("worker hang"), bound_of("server kill")) == (5, 30)


def test_a_worker_that_is_back_after_the_server_counts_by_itself() -> None:
    run = uuid4()
    server = Strike("server", "kill", 100, back=102)
    worker = Strike("worker", "hang", 100.2, back=105, interrupted=frozenset({run}))
    assert _seconds(_ran(run, 90, 112), server, worker)["worker hang"] == [7]


def test_a_run_struck_again_before_it_resumed_counts_for_the_last_strike() -> None:
    run = uuid4()
    first = Strike("flow", "kill", 100, back=100, interrupted=frozenset({run}))
    second = Strike("worker", "kill", 103, back=103, interrupted=frozenset({run}))
    assert _seconds(_ran(run, 90, 106), first, second) == {"worker kill": [3]}


def _verdict(seconds: float, lost: list[str]) -> Verdict:
    faults, resumed = Counter({"worker kill": 2, "server kill": 1}), {"worker kill": [Resumption(seconds, 0.0)]}
    return Verdict(10, faults, lost, [], [], [], [], resumed, troubles=[])


def test_the_page_names_machine_counts_and_seconds_by_kind() -> None:
    text = page(_verdict(1.25, []), seed=7, stolen_share=0.03)
    assert machine() in text
    assert "SEED=7 FAULTS=3" in text and "took 3%" in text and "every promise held." in text
    assert "| worker kill | 2 | 1 | 1.2 | 1.2 | 1.2 | 5 |" in text
    assert "| server kill | 1 | 0 | – | – | – | 30 |" in text


@pytest.mark.parametrize(("seconds", "lost"), [(5.1, []), (1.0, ["object anna/1.jpg"])])
def test_the_page_says_that_a_promise_was_broken(seconds: float, lost: list[str]) -> None:
    text = page(_verdict(seconds, lost), seed=1, stolen_share=0.0)
    assert "not every promise held" in text and f"| lost | {len(lost)} |" in text


def _receipt(key: str, state: str = "expensed", sha256: str = "ab", **more: Any) -> dict[str, Any]:
    at = dt.datetime.fromtimestamp(1, dt.UTC)
    values = {"id": uuid4(), "key": key, "state": state, "sha256": sha256, "reason_code": None, "finished_at": at}
    return values | more


def test_a_final_receipt_of_which_nothing_arrived_is_untold() -> None:
    receipts = [
        _receipt("chaos/told.jpg"),
        _receipt("chaos/unnotified.jpg"),
        _receipt("chaos/two.jpg"),
        _receipt("chaos/two.jpg"),
        _receipt("chaos/copy.jpg", "duplicate"),
        _receipt("chaos/gone.jpg", "quarantined", reason_code="superseded"),
        _receipt("chaos/open.jpg", "running", finished_at=None),
    ]
    arrived = [Delivery(1.0, f"Expense ready: {key}", "") for key in ("chaos/told.jpg", "chaos/two.jpg")]
    found = unnotified(Evidence(receipts=receipts), arrived)
    assert found == ["chaos/unnotified.jpg: 0 of 1 told", "chaos/two.jpg: 1 of 2 told"]


def test_a_deleted_receipt_is_resurrected_by_id_key_or_content() -> None:
    deleted = [Deleted(str(uuid4()), "chaos/a.jpg", "aa")]
    there = [_receipt("chaos/a.jpg"), _receipt("chaos/b.jpg", sha256="aa"), _receipt("chaos/c.jpg", sha256="cc")]
    assert len(resurrected([*there, _receipt("x", id=deleted[0].receipt_id)], deleted)) == 3


def test_what_a_person_was_answered_and_is_not_booked_is_lost() -> None:
    decided = {"booked": "Markt", "voided": None, "lost": "Markt", "left": None}
    evidence = Evidence(booked={"booked": "Markt", "lost": "M", "left": "Markt"})
    found = corrections_lost(evidence, decided)
    assert [line.split(":")[0] for line in found] == ["receipt lost", "receipt left"]


@pytest.mark.parametrize("name", ["unnotified", "resurrected", "content_left", "corrections_lost"])
def test_each_of_the_new_counts_breaks_the_verdict_and_is_in_its_json(name: str) -> None:
    whole, broken = _verdict(1.0, []), dataclasses.replace(_verdict(1.0, []), **{name: ["something"]})
    assert (whole.held, broken.held) == (True, False)
    key = "untold" if name == "unnotified" else name
    assert (as_json(whole)[key], as_json(broken)[key]) == (0, 1)


@pytest.mark.skipif(faketime_library() is None, reason="no libfaketime here: apt install libfaketime")
@pytest.mark.parametrize("offset", ["-600", "+600"])
def test_a_host_with_a_wrong_clock_logs_the_machines_time(tmp_path: Path, offset: str) -> None:
    log, clock = tmp_path / "executions", tmp_path / "clock"
    clock.write_text(offset)
    program = f"import time; from {log_execution.__module__} import log_execution as log; log('started', 'a', 'b'); "
    said = subprocess.run(
        [sys.executable, "-c", f"{program} print(time.time())"],
        env={**os.environ, **wrong_clock(clock), EXECUTION_LOG: str(log)},
        capture_output=True,
        check=True,
        text=True,
    )
    now = time.time()
    assert abs(float(said.stdout) - now) > 500.0
    (only,) = read_executions(log)
    assert 0.0 <= now - only.at < 60.0


def test_a_step_that_began_again_behind_the_fence_was_not_executed_again() -> None:
    names = ("record_expense", "id", "")
    first = [Execution(1, "started", *names, 7), Execution(2, "durable", *names, 7), Execution(3, "started", *names, 8)]
    assert reexecuted(first) == ["record_expense of id"]
    assert reexecuted([*first, Execution(4, "fenced", *names, 8)]) == []
    assert reexecuted([*first, Execution(4, "fenced", *names, 9)]) == ["record_expense of id"]


def test_a_notification_is_sent_again_if_it_was_noted_between_two_deliveries() -> None:
    evidence = Evidence(receipts=[], executions=[Execution(5.0, "durable", "notify_owner", "id", "", 7)])
    arrived = [Delivery(at, "Expense ready: chaos/a.jpg", "id") for at in (4.0, 4.5, 6.0)]
    assert notified_twice(evidence, arrived) == ["delivery id sent again"]
    assert notified_twice(evidence, arrived[:2]) == []
    assert notified_twice(evidence, arrived[2:]) == ["delivery id sent again"]
    other = [*arrived[:1], Delivery(4.2, arrived[0].subject, "other")]
    assert notified_twice(evidence, other) == ["Expense ready: chaos/a.jpg: several ids"]


def test_a_deck_of_one_part_has_nothing_to_strike_beside_it() -> None:
    s3 = [card for card in CARDS if card[0] == "s3"]
    deck = Deck(random.Random(1), without={*CARDS, *OPERATIONS} - set(s3))
    assert {deck.deal() for _ in s3} == set(s3)
    assert deck.deal_beside("s3") is None
    assert deck.deal_beside("server") in s3
    assert deck.deal_beside("machine") is None
