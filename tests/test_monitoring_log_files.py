"""The last lines of logs are found from their ends, and new ones as they are written, also in a file begun anew."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import LogCreate
from prefect.flows import flow

from deployments.cli.logs import run_logs
from deployments.monitoring.log_files import LogLine, follow, last_lines, log_files
from deployments.stack import Stack
from flows.domain.errors import ConfigurationError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for part in ("gateway", "worker"):
        (tmp_path / f"{part}.log").write_text("".join(f"{part} {n} {'é' * 50}\n" for n in range(5000)))
    return tmp_path


def test_last_lines_are_whole_and_in_order(folder: Path) -> None:
    found = last_lines(folder / "gateway.log", 3000)
    assert [line.text for line in found] == [f"gateway {n} {'é' * 50}" for n in range(2000, 5000)]
    assert len(last_lines(folder / "gateway.log", 9999)) == 5000


def test_a_file_without_an_end_of_line_and_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("one\ntwo")
    (tmp_path / "b.log").write_text("")
    assert [line.text for line in last_lines(tmp_path / "a.log", 5)] == ["one", "two"]
    assert last_lines(tmp_path / "b.log", 5) == []


def test_new_lines_are_followed_over_a_rotation_and_never_in_halves(folder: Path) -> None:
    file = folder / "gateway.log"
    steps = iter(
        [
            lambda: _append(file, "first\nhal"),
            lambda: _append(file, "f\nother\n"),
            lambda: (file.rename(folder / "gateway.log.1"), file.write_text("anew first\n")),
        ]
    )
    lines = follow([file], pause=lambda _: next(steps)())
    assert [next(lines) for _ in range(4)] == [
        LogLine("gateway", text) for text in ("first", "half", "other", "anew first")
    ]


def _append(file: Path, text: str) -> None:
    with file.open("a") as opened:
        opened.write(text)


def test_a_wrong_part_and_a_wrong_folder_say_what_there_is(folder: Path, tmp_path: Path) -> None:
    assert [file.stem for file in log_files(folder, "worker")] == ["worker"]
    with pytest.raises(ConfigurationError, match="gateway, worker"):
        log_files(folder, "printer")
    with pytest.raises(ConfigurationError, match="--data"):
        log_files(tmp_path / "missing")


@flow
def nothing() -> None:
    """Only its run's log lines matter here."""


async def test_all_log_lines_of_a_run_are_told(prefect_api: Stack) -> None:
    """Prefect's server gives 200 at once."""
    now = dt.datetime.now(dt.UTC)
    async with get_client() as client:
        run = await client.create_flow_run(nothing)
        lines = [LogCreate(name="t", level=20, message=f"{n}", timestamp=now, flow_run_id=run.id) for n in range(450)]
        await client.create_logs(lines)
    assert {(level, message) for _, level, message in await run_logs(run.id)} == {("INFO", f"{n}") for n in range(450)}
