"""The benchmark counts what it says: costs from the steps' notes, throughput by windows, CPU by part, its table.

Held here without a stack; the measurements themselves are `make bench`.
"""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.bench.__main__ import main
from benchmarks.bench.backlog import ratio, tenths
from benchmarks.bench.base import BaseUnusableError, base_side
from benchmarks.bench.compare import compared, mean
from benchmarks.bench.cost import cost_table, headline
from benchmarks.bench.cpu import family_seconds, seconds_by_part
from benchmarks.bench.latency import overhead
from benchmarks.bench.observed import cores
from benchmarks.bench.report import document, table
from benchmarks.bench.steps import Cost, costs_by_content
from benchmarks.stolen import StolenTime
from flows.pipeline.durable_step import EXECUTION_LOG, log_execution

_BUSY = "import sys, time\nend = time.process_time() + 0.4\nwhile time.process_time() < end: pass\nprint(flush=True)\n"


def test_costs_are_those_of_ocr_and_parse_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = tmp_path / "executions"
    monkeypatch.setenv(EXECUTION_LOG, str(log))
    log_execution("started", "extract_text", "abc", "v1")
    log_execution("durable", "extract_text", "abc", "v1", (1.25, 1.5))
    log_execution("durable", "parse_receipt", "abc", "v1", (0.25, 0.25))
    log_execution("durable", "record_expense", "abc")
    assert costs_by_content(log) == {"abc": Cost(cpu=1.5, wall=1.75, pid=os.getpid())}


def test_waiting_is_less_each_receipts_own_reading() -> None:
    costs = [Cost(0, wall, 0) for wall in (1.0, 2.0, 0.5)]
    assert overhead([1.25, 2.5, 1.5], costs) == {"p50": 0.5, "p95": 1.0}


def test_a_steady_backlog_has_the_ratio_one_and_a_slowing_one_less() -> None:
    steady = [float(second) for second in range(200)]
    slowing = [second**1.2 for second in steady]
    assert ratio(steady, 20) == pytest.approx(1)
    assert ratio(slowing, 20) < 0.7


def test_each_tenth_of_a_backlog_has_its_rate() -> None:
    ends = [*(float(second) for second in range(51)), *(50.0 + 2 * second for second in range(1, 51))]
    with StolenTime() as stolen:
        found = tenths(ends, stolen)
    assert [one["per_second"] for one in found.values()] == [1.0] * 5 + [0.5] * 5


def test_a_backlog_that_runs_dry_is_not_counted() -> None:
    """At its end there are fewer receipts than cores."""
    ends = [float(second) for second in range(200)]
    tail = [ends[-1] + 50 * number for number in range(1, cores())]
    assert ratio([*ends, *tail], 20) == pytest.approx(1)


def test_time_of_ended_processes_counts_once() -> None:
    spawn = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {_BUSY!r}])\nprint(flush=True)\ninput()\n"
    parent = subprocess.Popen(
        [sys.executable, "-c", spawn], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    assert parent.stdout and parent.stdin
    for _ in range(2):
        parent.stdout.readline()
    spent = family_seconds(parent.pid)
    parts = seconds_by_part(os.getpid(), {"worker": parent.pid})
    parent.communicate(b"\n")
    assert 0.4 <= spent < 2
    assert parts["worker: flow runs"] >= 0.4 > parts["worker"]


def test_the_table_has_targets_and_the_baseline_beside_them() -> None:
    figures: dict[str, Any] = {
        "efficiency": 0.81234,
        "latency_overhead_seconds": {"p50": 0.3, "p95": 0.7},
        "process_worker": {"efficiency": 0.1},
        "profile_cpu_seconds": {"OCR and parse": 3.0, "prefect": 1.0},
        "burst": {"statuses": {"202": 5}},
    }
    assert "| 0.812 | ≥ 0.8 | 0.1 |" in table(figures)
    assert "| 0.3 / 0.7 | ≤ 0.4 / ≤ 0.8 |  |" in table(figures)
    figures["measured"] = {"latency": {"at": "2026-11-22 19:00", "size": "full", "seconds": 60, "load_before": 0.1}}
    page = document(figures)
    assert "| latency | 2026-11-22 19:00 | full | 60 | 0.1 |" in page
    assert "| prefect | 1.000 | 25% |" in page
    assert "| burst: statuses: 202 | 5 |" in page


def _figures(scale: float) -> dict[str, Any]:
    return {
        "start_seconds": {"new": 20 * scale, "used": 8 * scale},
        "idle": {"pss_mb": 900 * scale, "cores": 0.03 * scale},
        "working_pss_mb": 1600 * scale,
        "overhead_cpu_seconds": 0.4 * scale,
        "rows_per_receipt": 60 * scale,
        "accept_seconds": {"p50": 0.02 * scale, "p99": 0.05 * scale},
        "trivial_steps": {"runs_per_second": 8 / scale, "latency_p50_seconds": 0.15 * scale, "server_cpu_seconds": 1},
        "submit_5000_seconds": 90 * scale,
    }


def test_headline_figures_have_ratios_to_the_base() -> None:
    found = headline(_figures(1), _figures(2))
    assert found["overhead_ratio"] == 0.5
    assert found["accept_ratio"] == {"p50": 0.5, "p99": 0.5}
    assert found["trivial"] == {"runs_per_second": 8, "latency_p50_seconds": 0.15}
    assert found["start_seconds"] == {"new": 20, "used": 8} and found["submit_5000_seconds"] == 90
    assert "overhead_ratio" not in headline(_figures(1))


def test_both_commits_stand_in_one_table_and_what_was_not_measured_in_neither() -> None:
    rows = cost_table(_figures(1), _figures(2), ("now", "97f9a5a")).splitlines()
    assert rows[0] == "| | 97f9a5a | now | target |"
    assert "| idle stack, PSS, MB | 1800 | 900 | ≤ 900 |" in rows
    assert not any("efficiency" in row or "receipts/s" in row for row in rows)


def test_figures_of_several_turns_are_their_mean() -> None:
    turns = [{"a": 1.0, "b": {"c": 2}, "rounds": [1], "left": 1}, {"a": 3.0, "b": {"c": 4}, "rounds": [2]}]
    assert mean(turns) == {"a": 2.0, "b": {"c": 3}, "rounds": [1]}


def test_sides_take_turns_and_a_part_that_fails_costs_no_other() -> None:
    asked, failed = list[str](), list[str]()

    class Side:
        def __init__(self, commit: str) -> None:
            self.commit = commit

        def measure(self, part: str, *, quick: bool) -> dict[str, Any]:
            asked.append(f"{part} {self.commit}")
            if (part, self.commit) == ("latency", "old"):
                raise RuntimeError("away")
            return {part: 1.0}

    sides: Any = (Side("new"), Side("old"))
    kept: list[list[dict[str, Any]]] = []
    now, then = compared(
        sides,
        ["latency", "trivial"],
        turns=2,
        quick=False,
        say=lambda _: None,
        failed=failed,
        keep=lambda figures: kept.append(copy.deepcopy(figures)),
    )
    # A machine that dies takes no more with it than the part that it was at.
    assert kept[0] == [{"latency": 1.0}, {}]
    assert kept[1:] == [[now, then]] * 3
    assert asked[:4] == ["latency old", "latency new", "trivial old", "trivial new"]
    assert asked[4:] == ["latency new", "latency old", "trivial new", "trivial old"]
    assert (now, then) == ({"latency": 1.0, "trivial": 1.0}, {"trivial": 1.0})
    assert len(failed) == 2 and "latency of old (RuntimeError: away)" in failed


def test_a_commit_that_does_not_exist_is_named() -> None:
    with pytest.raises(BaseUnusableError, match="no-such-commit"):
        base_side("no-such-commit")


def test_a_part_that_does_not_exist_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["bench", "--only", "throughput,nothing"])
    with pytest.raises(SystemExit):
        main()
    assert "nothing" in capsys.readouterr().err
