"""The command `logs`: what the parts of a stack wrote, or what all of them know of one receipt."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from deployments.cli.common import DEFAULT_DATA, AsJson, Data
from deployments.cli.connection import connect

if TYPE_CHECKING:
    from deployments.monitoring.log_entries import LogEntry
    from flows.ledger.views import ReceiptDetail
    from flows.pipeline.configuration import Pipeline

_LOOK_SECONDS = 3.0
# Names of files are somebody else's words, and a terminal would obey these.
_SHOWN_AS_TEXT = {number: f"\\x{number:02x}" for number in (*range(9), *range(10, 32), *range(127, 160))}
_LOGS_AT_ONCE = 200  # the most that Prefect's server gives in one answer


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(logs)


def logs(
    part: Annotated[str | None, typer.Argument(help="One part: gateway, worker, prefect, … Without: all.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is written, until interrupted.")
    ] = False,
    receipt: Annotated[
        str | None, typer.Option(help="Only what is about this receipt, with its history and its flow run's logs.")
    ] = None,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="So many last lines of each part.")] = 20,
    as_json: AsJson = False,
    data: Data = DEFAULT_DATA,
) -> None:
    """Show the logs of the parts of a stack on this machine, by time and in one format."""
    from deployments.monitoring.log_entries import LogReader, about, in_order  # noqa: PLC0415
    from deployments.monitoring.log_files import all_lines, last_lines, log_files  # noqa: PLC0415
    from deployments.monitoring.log_files import follow as follow_files  # noqa: PLC0415

    files, reader, show = log_files(data / "logs", part), LogReader(), _show_json if as_json else _show
    receipt_log = _About(receipt, data, show) if receipt else None
    told = asyncio.run(receipt_log.news()) if receipt_log else []
    for file in files if lines else ():
        if receipt_log:
            told += list(about(reader.entries(all_lines(file)), receipt_log.words))[-lines:]
        else:
            told += reader.entries(last_lines(file, lines))
    for entry in in_order(told):
        show(entry)
    if follow:
        if receipt_log:
            threading.Thread(target=receipt_log.keep_telling, daemon=True).start()
        new = reader.entries(follow_files(files))
        try:
            for entry in about(new, receipt_log.words) if receipt_log else new:
                show(entry)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


def _show(entry: LogEntry) -> None:
    """For people, in local time."""
    at = f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}.{entry.at.microsecond // 1000:03}" if entry.at else ""
    for text in filter(str.strip, entry.text.splitlines()):
        typer.echo(f"{at:<23} {entry.part:<10} {entry.level:<8} {text.translate(_SHOWN_AS_TEXT)}")


def _show_json(entry: LogEntry) -> None:
    at = entry.at.astimezone(dt.UTC).isoformat(timespec="milliseconds") if entry.at else None
    line = {"at": at, "part": entry.part, "level": entry.level.lower() or None, "text": entry.text}
    typer.echo(json.dumps(line, ensure_ascii=False))


class _About:
    """What ledger and Prefect know of a receipt, each thing told once, and the ids under which log files name it."""

    def __init__(self, reference: str, data: Path, show: Callable[[LogEntry], None]) -> None:
        self._reference, self._data, self._show = reference, data, show
        self._pipeline: Pipeline | None = None
        self._told: set[LogEntry] = set()
        self.words: list[str] = []

    async def news(self) -> list[LogEntry]:
        """What is new since the last call."""
        from deployments.monitoring.log_entries import LogEntry  # noqa: PLC0415

        self._pipeline = self._pipeline or await connect(self._data)
        detail, lines = await _read(self._reference, self._pipeline)
        known = {
            LogEntry(change.at, "ledger", "INFO", ": ".join(filter(None, (change.to_state, change.reason))))
            for change in detail.history
        }
        known |= {LogEntry(at, "flow run", level, message) for at, level, message in lines}
        new = sorted(known - self._told)
        self._told |= known
        self.words += [str(word) for word in (detail.id, detail.flow_run_id) if word and str(word) not in self.words]
        return new

    def keep_telling(self) -> None:
        """Show what is new until the process ends, also where something does not answer for a while."""
        import httpx  # noqa: PLC0415

        from flows.domain.errors import ReceiptflowError  # noqa: PLC0415

        while True:
            time.sleep(_LOOK_SECONDS)
            try:
                for entry in asyncio.run(self.news()):
                    self._show(entry)
            except (ReceiptflowError, httpx.HTTPError) as error:
                typer.echo(f"logs: nothing is known for now: {error}", err=True)


async def _read(reference: str, pipeline: Pipeline) -> tuple[ReceiptDetail, list[tuple[dt.datetime, str, str]]]:
    from flows.ledger.receipts import show_receipt  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        detail = show_receipt(reference, session=session)
    return detail, await run_logs(detail.flow_run_id) if detail.flow_run_id else []


async def run_logs(flow_run_id: UUID) -> list[tuple[dt.datetime, str, str]]:
    """All log lines of a flow run that Prefect's server has, with times and levels."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId  # noqa: PLC0415

    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
    found: list[tuple[dt.datetime, str, str]] = []
    async with get_client() as client:
        while True:
            page = await client.read_logs(log_filter=wanted, limit=_LOGS_AT_ONCE, offset=len(found))
            found += [(one.timestamp, logging.getLevelName(one.level), one.message) for one in page]
            if len(page) < _LOGS_AT_ONCE:
                return found
