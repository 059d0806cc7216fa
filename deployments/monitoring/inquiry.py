"""Asks the parts of a pipeline how they stand, all at once, each for a few seconds at most.

A part that does not answer is part of the answer, never an error of the question.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Coroutine
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import httpx
import psutil
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowFilter,
    FlowFilterName,
    FlowRunFilter,
    FlowRunFilterState,
    FlowRunFilterStateType,
    WorkerFilter,
    WorkerFilterStatus,
)
from prefect.client.schemas.objects import StateType
from prefect.client.schemas.sorting import FlowRunSort
from sqlalchemy import text

from deployments.disk import disk_of
from deployments.monitoring.standing import Part, Standing
from deployments.provisioning.names import POOL
from deployments.stack.datadir import owner_of_data
from deployments.version import installed_version
from flows.domain.errors import ReceiptflowError
from flows.ledger.receipts import Gauges, gauges
from flows.pipeline.configuration import Pipeline
from flows.storage import ObjectGoneError

T = TypeVar("T")
LAST_BACKUP_FILE = "last-backup.json"
_ANSWER_SECONDS = 5.0
# How a part's process is told from others below the supervisor: by a word of its command.
_COMMANDS = {
    "storage": "weed",
    "prefect": "server start",
    "worker": "start_prefork_master",
    "gateway": "deployments.gateway",
}


async def ask(pipeline: Pipeline, gateway_url: str, data: Path | None) -> Standing:
    """Ask everything.

    Args:
        pipeline: Opened, whether or not its parts answer.
        gateway_url: Where the API is.
        data: The data folder of a stack on this machine.
    """
    since = _process_starts(data) if data else {}
    (ledger, standing), (prefect, facts), storage, gateway = await asyncio.gather(
        _ledger(pipeline), _prefect(since), _storage(pipeline, since), _gateway(gateway_url, since)
    )
    workers, last_sweep = facts or (None, None)
    return Standing(
        parts=(ledger, storage, prefect, gateway),
        workers=workers,
        last_sweep=last_sweep,
        states={state.value: count for state, count in standing.states.items()} if standing else None,
        oldest_waiting_seconds=standing.oldest_waiting_seconds if standing else None,
        unsent=standing.unsent if standing else None,
        last_backup=last_backup(data) if data else None,
        disk=disk_of(data) if data else None,
        versions={"receiptflow": installed_version(), "prefect": version("prefect")} | Standing(()).versions,
    )


async def _part(name: str, question: Coroutine[Any, Any, T], since: dt.datetime | None = None) -> tuple[Part, T | None]:
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            answer = await question
    except (ReceiptflowError, httpx.HTTPError, TimeoutError, OSError) as error:
        return Part(
            name, answers=False, detail=str(error).splitlines()[0] if str(error) else type(error).__name__
        ), None
    return Part(name, answers=True, since=since), answer


async def _ledger(pipeline: Pipeline) -> tuple[Part, Gauges | None]:
    def read() -> tuple[dt.datetime, Gauges]:
        with pipeline.ledger.session() as session:
            started = session.execute(text("SELECT pg_postmaster_start_time()")).scalar_one()
            return started, gauges(session=session)

    part, answer = await _part("ledger", asyncio.to_thread(read))
    return (Part("ledger", answers=True, since=answer[0]), answer[1]) if answer else (part, None)


async def _prefect(since: dict[str, dt.datetime]) -> tuple[Part, tuple[int, dt.datetime | None] | None]:
    async def facts() -> tuple[int, dt.datetime | None]:
        async with get_client() as client:
            return await _online_workers(client), await _last_sweep(client)

    return await _part("prefect", facts(), since.get("prefect"))


async def _online_workers(client: PrefectClient) -> int:
    online = WorkerFilter(status=WorkerFilterStatus(any_=["ONLINE"]))
    return len(await client.read_workers_for_work_pool(POOL, worker_filter=online))


async def _last_sweep(client: PrefectClient) -> dt.datetime | None:
    runs = await client.read_flow_runs(
        flow_filter=FlowFilter(name=FlowFilterName(any_=["sweep-inbox"])),
        flow_run_filter=FlowRunFilter(
            state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.COMPLETED]))
        ),
        sort=FlowRunSort.END_TIME_DESC,
        limit=1,
    )
    return runs[0].end_time if runs else None


async def _storage(pipeline: Pipeline, since: dict[str, dt.datetime]) -> Part:
    def read() -> None:
        try:
            pipeline.inbox().head("receiptflow-status-asks")
        except ObjectGoneError:
            return

    return (await _part("storage", asyncio.to_thread(read), since.get("storage")))[0]


async def _gateway(url: str, since: dict[str, dt.datetime]) -> Part:
    async def read() -> None:
        async with httpx.AsyncClient(timeout=_ANSWER_SECONDS) as client:
            (await client.get(f"{url}/health")).raise_for_status()

    return (await _part("gateway", read(), since.get("gateway")))[0]


def _process_starts(data: Path) -> dict[str, dt.datetime]:
    """When the parts' processes began, of the stack that runs on a data folder."""
    owner, found = owner_of_data(data), dict[str, dt.datetime]()
    if owner is None:
        return found
    try:
        processes = psutil.Process(owner).children(recursive=True)
    except psutil.Error:
        return found
    for process in processes:
        try:
            command, began = " ".join(process.cmdline()), process.create_time()
        except psutil.Error:
            continue
        for part, word in _COMMANDS.items():
            if word in command and part not in found:
                found[part] = dt.datetime.fromtimestamp(began, dt.UTC)
    return found


def note_backup(data: Path, name: str, now: dt.datetime) -> None:
    """Remember in the data folder that a backup was taken."""
    (data / LAST_BACKUP_FILE).write_text(json.dumps({"at": now.isoformat(), "snapshot": name}))


def last_backup(data: Path) -> dt.datetime | None:
    """When the last backup was taken from this data folder; None if none is known of."""
    try:
        return dt.datetime.fromisoformat(json.loads((data / LAST_BACKUP_FILE).read_text())["at"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
