"""The command `logs`: what the parts of a stack wrote, or what all of them know of one receipt."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
import time
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from deployments.cli.common import DEFAULT_DATA, Data
from deployments.cli.connection import connect

if TYPE_CHECKING:
    from flows.ledger.views import ReceiptDetail
    from flows.pipeline.configuration import Pipeline

_LOOK_SECONDS = 3.0
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
    data: Data = DEFAULT_DATA,
) -> None:
    """Show the logs of the parts of a stack on this machine."""
    from deployments.monitoring.log_files import follow as follow_files  # noqa: PLC0415
    from deployments.monitoring.log_files import last_lines, log_files  # noqa: PLC0415

    files = log_files(data / "logs", part)
    about = _About(receipt, data) if receipt else None
    words: Collection[str] = ()
    if about:
        asyncio.run(about.tell())
        words = about.words
    for file in files:
        for line in last_lines(file, lines, words) if lines else ():
            typer.echo(f"{line.part:<14} {line.text}")
    if follow:
        if about:
            threading.Thread(target=about.keep_telling, daemon=True).start()
        try:
            for line in follow_files(files, words):
                typer.echo(f"{line.part:<14} {line.text}")
        except KeyboardInterrupt:
            raise typer.Exit(130) from None


class _About:
    """What ledger and Prefect know of a receipt, each thing told once, and the ids under which log files name it."""

    def __init__(self, reference: str, data: Path) -> None:
        self._reference, self._data = reference, data
        self._pipeline: Pipeline | None = None
        self._told: set[tuple[dt.datetime, str, str]] = set()
        self.words: list[str] = []

    async def tell(self) -> None:
        """Print what is new."""
        self._pipeline = self._pipeline or await connect(self._data)
        detail, lines = await _read(self._reference, self._pipeline)
        known = {(change.at, "ledger", f"{change.to_state}: {change.reason or ''}") for change in detail.history}
        known |= {(at, "flow run", message) for at, message in lines}
        for at, where, text in sorted(known - self._told):
            typer.echo(f"{where:<14} {at.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} {text}")
        self._told |= known
        self.words += [str(word) for word in (detail.id, detail.flow_run_id) if word and str(word) not in self.words]

    def keep_telling(self) -> None:
        """Go on so until the process ends, also where something does not answer for a while."""
        import httpx  # noqa: PLC0415

        from flows.domain.errors import ReceiptflowError  # noqa: PLC0415

        while True:
            time.sleep(_LOOK_SECONDS)
            try:
                asyncio.run(self.tell())
            except (ReceiptflowError, httpx.HTTPError) as error:
                typer.echo(f"{'logs':<14} nothing is known for now: {error}", err=True)


async def _read(reference: str, pipeline: Pipeline) -> tuple[ReceiptDetail, list[tuple[dt.datetime, str]]]:
    from flows.ledger.receipts import show_receipt  # noqa: PLC0415

    with pipeline.ledger.session() as session:
        detail = show_receipt(reference, session=session)
    return detail, await run_logs(detail.flow_run_id) if detail.flow_run_id else []


async def run_logs(flow_run_id: UUID) -> list[tuple[dt.datetime, str]]:
    """All log lines of a flow run that Prefect's server has, with their times."""
    from prefect.client.orchestration import get_client  # noqa: PLC0415
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId  # noqa: PLC0415

    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run_id]))
    found: list[tuple[dt.datetime, str]] = []
    async with get_client() as client:
        while True:
            page = await client.read_logs(log_filter=wanted, limit=_LOGS_AT_ONCE, offset=len(found))
            found += [(one.timestamp, one.message) for one in page]
            if len(page) < _LOGS_AT_ONCE:
                return found
