"""How `make chaos` counts the time until work went on: by kind of fault, from when what was struck was back."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from uuid import UUID, uuid4

import pytest

from benchmarks.chaos.evidence import Evidence
from benchmarks.chaos.faults import Strike
from benchmarks.chaos.page import page
from benchmarks.chaos.verdict import Resumption, Verdict, bound_of, resumptions
from benchmarks.machine import machine


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
