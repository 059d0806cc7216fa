"""What a standing says is wrong, and how bad it is: the exit status that monitors go by."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from deployments.disk import Disk
from deployments.monitoring.inquiry import last_backup, note_backup
from deployments.monitoring.standing import Level, Part, Standing, in_words

NOW = dt.datetime(2026, 11, 30, 12, tzinfo=dt.UTC)
FINE = Standing(
    parts=(Part("ledger", answers=True), Part("prefect", answers=True)),
    workers=1,
    states={"waiting": 3},
    oldest_waiting_seconds=5,
    unsent=0,
    last_sweep=NOW - dt.timedelta(minutes=5),
    disk=Disk(50, 100),
)


def test_nothing_is_wrong_where_all_is_well() -> None:
    assert (FINE.problems(NOW), FINE.level(NOW)) == ([], Level.FINE)


@pytest.mark.parametrize(
    ("change", "level", "named"),
    [
        ({"parts": (Part("prefect", answers=False, detail="refused"),)}, Level.CRITICAL, "prefect does not answer"),
        ({"workers": 0}, Level.CRITICAL, "no worker"),
        ({"oldest_waiting_seconds": 2 * 3600}, Level.WARNING, "waited for 2 hours"),
        ({"last_sweep": NOW - dt.timedelta(minutes=21)}, Level.WARNING, "sweep"),
        ({"last_sweep": None}, Level.WARNING, "sweep"),
        ({"disk": Disk(9, 100)}, Level.WARNING, "disk"),
    ],
)
def test_each_problem_is_named_with_its_level(change: dict[str, object], level: Level, named: str) -> None:
    standing = replace(FINE, **change)  # type: ignore[arg-type]
    (problem,) = standing.problems(NOW)
    assert (problem.level, standing.level(NOW)) == (level, level)
    assert named in problem.what


def test_what_could_not_be_asked_is_no_second_problem() -> None:
    standing = Standing(parts=(Part("prefect", answers=False),))
    assert [problem.level for problem in standing.problems(NOW)] == [Level.CRITICAL]


def test_the_worst_comes_first() -> None:
    standing = replace(FINE, workers=0, disk=Disk(1, 100))
    assert [problem.level for problem in standing.problems(NOW)] == [Level.CRITICAL, Level.WARNING]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (61, "1 minute"), (7300, "2 hours"), (200_000, "2 days"), (-5, "0 seconds")],
)
def test_spans_are_said_by_their_largest_unit(seconds: float, words: str) -> None:
    assert in_words(dt.timedelta(seconds=seconds)) == words


def test_a_backup_is_remembered_and_a_damaged_note_is_none(tmp_path: Path) -> None:
    assert last_backup(tmp_path) is None
    note_backup(tmp_path, "2026", NOW)
    assert last_backup(tmp_path) == NOW
    (tmp_path / "last-backup.json").write_text("{")
    assert last_backup(tmp_path) is None
