"""Lines of every part's own format become entries with time, level and text, in the order of their times."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deployments.cli.app import app
from deployments.monitoring.log_entries import LogEntry, LogReader, about, in_order
from deployments.monitoring.log_files import LogLine

UTC = dt.UTC
# As PostgreSQL 18, SeaweedFS 4.48, Prefect 3.8 and our own parts wrote them.
LINES = {
    "postgres": "2026-11-30 20:58:38.334 UTC [13646] LOG:  shutting down",
    "prefect": "2026-11-30 22:58:36.818 | WARNING | prefect.server.services.late - marked late",
    "worker": "2026-11-30 22:58:36.818 | INFO    | Flow run 'anna/a.jpg' - Finished in state Completed()",
    "stack": "2026-11-30 22:55:51,692 INFO prefect is ready (process 13611)",
    "seaweedfs": "E1130 22:58:38.292022 master_grpc_server.go:516 => client .s3@127.0.0.1:9203: rpc error",
    "go": "2026/11/30 22:55:46 http: TLS handshake error from 127.0.0.1:34566: EOF",
    "watermill": "[watermill] 2026/11/30 22:55:46.481731 router.go:280: level=INFO msg=x",
    "gateway": '{"at": "2026-11-30T20:58:37.245+00:00", "level": "error", "logger": "uvicorn.error", '
    '"message": "submitted", "receipt_id": "0b", "error": "Traceback\\n  File x\\nKeyError"}',
}


@pytest.fixture
def two_hours_east(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Etc/GMT-2")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def entries(lines: dict[str, str], now: dt.datetime = dt.datetime(2026, 12, 1, tzinfo=UTC)) -> list[LogEntry]:
    return list(LogReader(lambda: now).entries(LogLine(part, text) for part, text in lines.items()))


@pytest.mark.usefixtures("two_hours_east")
def test_each_format_gives_its_moment_its_level_and_its_text() -> None:
    read = {entry.part: (entry.at, entry.level, entry.text) for entry in entries(LINES) if entry.level}

    def at(minute: int, second: int, millionth: int = 0) -> dt.datetime:
        return dt.datetime(2026, 11, 30, 20, minute, second, millionth, tzinfo=UTC)

    assert read == {
        "postgres": (at(58, 38, 334000), "INFO", "shutting down"),
        "prefect": (at(58, 36, 818000), "WARNING", "prefect.server.services.late - marked late"),
        "worker": (at(58, 36, 818000), "INFO", "Flow run 'anna/a.jpg' - Finished in state Completed()"),
        "stack": (at(55, 51, 692000), "INFO", "prefect is ready (process 13611)"),
        "seaweedfs": (
            at(58, 38, 292022),
            "ERROR",
            "master_grpc_server.go:516 => client .s3@127.0.0.1:9203: rpc error",
        ),
        "go": (at(55, 46), "INFO", "http: TLS handshake error from 127.0.0.1:34566: EOF"),
        "watermill": (at(55, 46, 481731), "INFO", "router.go:280: level=INFO msg=x"),
        "gateway": (at(58, 37, 245000), "ERROR", "submitted receipt_id=0b"),
    }
    traceback = [entry.text for entry in entries({"gateway": LINES["gateway"]})]
    assert traceback == ["submitted receipt_id=0b", "Traceback", "  File x", "KeyError"]


def test_a_line_without_a_year_is_of_the_last_december_and_never_of_the_future() -> None:
    (entry,) = entries({"seaweedfs": "I1231 23:59:59.5 master.go:1 x"}, now=dt.datetime(2027, 1, 1, 12, tzinfo=UTC))
    assert entry.at is not None
    assert entry.at.astimezone().year == 2026


@pytest.mark.parametrize(
    "text",
    [
        "2026-13-45 99:99:99.123 | INFO    | no such moment",
        "I9999 23:59:59.5 master.go:1 no such day",
        '{"at": "yesterday", "level": "info", "message": "no such moment"}',
        '{"at": 5, "level": "info", "message": "no moment"}',
        '["a list"]',
        "{broken",
        "\x00\x01\ufffd",
        "2026-11-30",
    ],
)
def test_what_is_in_no_format_is_shown_as_it_is(text: str) -> None:
    assert [(entry.at, entry.level, entry.text) for entry in entries({"x": text})] == [(None, "", text)]


@pytest.mark.usefixtures("two_hours_east")
def test_parts_are_told_in_the_order_of_time_with_lines_that_go_on_behind_theirs() -> None:
    lines = [
        LogLine("worker", "a banner before any time"),
        LogLine("worker", "2026-11-30 22:00:02.000 | INFO    | second"),
        LogLine("worker", ""),
        LogLine("worker", "  goes on"),
        LogLine("gateway", '{"at": "2026-11-30T20:00:03+00:00", "level": "info", "message": "third"}'),
        LogLine("postgres", "2026-11-30 20:00:01.000 UTC [1] LOG:  first"),
    ]
    told = in_order(LogReader().entries(lines))
    assert [entry.text for entry in told] == ["first", "a banner before any time", "second", "  goes on", "third"]


def test_of_one_receipt_whole_entries_are_told_and_no_others() -> None:
    lines = [
        LogLine("worker", "  goes on with what is in an older file, of 0b"),
        LogLine("worker", "2026-11-30 22:00:01.000 | INFO    | of another"),
        LogLine("worker", "  goes on with that"),
        LogLine("worker", "2026-11-30 22:00:02.000 | INFO    | needs your eye"),
        LogLine("gateway", '{"at": "2026-11-30T20:00:03+00:00", "level": "info", "message": "x", "receipt_id": "0b"}'),
        LogLine("worker", "  correct it: /review/0b"),
        LogLine("worker", "  revision 1"),
        LogLine("worker", "2026-11-30 22:00:04.000 | INFO    | of another"),
    ]
    told = [entry.text.strip() for entry in about(LogReader().entries(lines), ["0b"])]
    assert told == [
        "goes on with what is in an older file, of 0b",
        "x receipt_id=0b",
        "needs your eye",
        "correct it: /review/0b",
        "revision 1",
    ]


def test_the_command_shows_one_format_and_json(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "worker.log").write_text("2026-11-30 20:58:39.000 | INFO    | read \x1b]0;evil\x07 \x9b2J\n")
    for part in ("gateway", "postgres"):
        (tmp_path / "logs" / f"{part}.log").write_text(LINES[part] + "\n")
    shown = CliRunner().invoke(app, ["logs", "--data", str(tmp_path)], env={"COLUMNS": "200"})
    columns = [line.split(maxsplit=4) for line in shown.stdout.splitlines()]
    assert [(part, level) for _, _, part, level, *_ in columns[:1]] == [("gateway", "ERROR")]
    assert ["postgres", "INFO", "shutting down"] in [column[2:] for column in columns]
    assert [column[4] for column in columns if column[2] == "worker"] == [r"read \x1b]0;evil\x07 \x9b2J"]
    told = CliRunner().invoke(app, ["logs", "postgres", "--json", "--data", str(tmp_path)])
    assert json.loads(told.stdout) == {
        "at": "2026-11-30T20:58:38.334+00:00",
        "part": "postgres",
        "level": "info",
        "text": "shutting down",
    }
