"""How `make chaos` counts the time until work went on: by kind of fault, from when what was struck was back."""

from __future__ import annotations

import datetime as dt
from uuid import UUID, uuid4

import pytest

from benchmarks.chaos.evidence import Evidence
from benchmarks.chaos.faults import Strike
from benchmarks.chaos.verdict import bound_of, resumptions


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
