"""What is measured of a filled pipeline: bytes by part, and the seconds of looking through it and of pruning it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from benchmarks.bench.programs import python
from benchmarks.bench.system import System

_LONGEST_SECONDS = 3600.0
_SWEEP = r"""
import asyncio, json, sys, time
from pathlib import Path
from deployments.cli.connection import connect
from flows.sweep_inbox import SweepCounts, receive_unknown
pipeline = asyncio.run(connect(Path(sys.argv[1])))
counts, began = SweepCounts(), time.perf_counter()
asyncio.run(receive_unknown(pipeline, counts, bucket=None, prefix=""))
print(json.dumps([time.perf_counter() - began, counts.listed, counts.received]))
"""
_RECONCILE = r"""
import asyncio, json, sys, time
from pathlib import Path
from deployments.cli.connection import connect

async def look():
    pipeline = await connect(Path(sys.argv[1]))
    from prefect.client.orchestration import get_client
    from flows.reconciliation import Counts, find_discrepancies
    began = time.perf_counter()
    async with get_client() as client:
        found = [f"{one.kind}: {one.subject}" async for one in find_discrepancies(pipeline, client, Counts())]
    print(json.dumps([time.perf_counter() - began, found[:5]]))

asyncio.run(look())
"""
# Tomorrow, by retentions of a day less than none: whatever has ended has outlived its day.
_PRUNE = r"""
import asyncio, json, sys, time
from pathlib import Path
from deployments.cli.connection import connect

async def prune_all():
    pipeline = await connect(Path(sys.argv[1]))
    from prefect.client.orchestration import get_client
    from blocks import RetentionPolicy
    from flows.pruning import prune
    tomorrow = dict.fromkeys(RetentionPolicy.model_fields, -1) | {"legal_hold": []}
    began = time.perf_counter()
    async with get_client() as client:
        pruned = await prune(pipeline, client, RetentionPolicy.model_construct(**tomorrow), dry_run=False)
    print(json.dumps([time.perf_counter() - began, pruned]))

asyncio.run(prune_all())
"""
_VACUUM = r"""
import asyncio
from prefect.server.database import provide_database_interface
from prefect.server.services.db_vacuum import vacuum_orphaned_artifacts, vacuum_orphaned_logs
from prefect.server.services.db_vacuum import vacuum_stale_artifact_collections

async def vacuum():
    db = provide_database_interface()
    for task in (vacuum_orphaned_logs, vacuum_orphaned_artifacts, vacuum_stale_artifact_collections):
        await task(db=db)

asyncio.run(vacuum())
"""


def sizes(system: System) -> dict[str, int]:
    """Bytes of each part, as `receiptflow usage` counts them, with PostgreSQL's tables rewritten: what is in them."""
    for database in (system.database, system.prefect_database):
        database.execute("VACUUM FULL")
    parts: dict[str, int] = json.loads(_receiptflow(system, "usage", "--json"))["parts"]
    return parts


def seconds(system: System, receipts: int) -> dict[str, float]:
    """Of a sweep over what is all known, of lists, and of reconciling."""
    swept, listed, received = json.loads(_python(system, _SWEEP, str(system.settings.root)).splitlines()[-1])
    if listed < receipts or received:
        raise RuntimeError(f"the sweep listed {listed} objects and received {received}; it should be {receipts} and 0")
    reconciled, found = json.loads(_python(system, _RECONCILE, str(system.settings.root)).splitlines()[-1])
    if found:
        raise RuntimeError(f"reconcile found {found}")
    return {
        "sweep": swept,
        "reconcile": reconciled,
        "first page of receipts (GET /receipts)": _list(system, "/receipts"),
        "first page of expenses (GET /expenses)": _list(system, "/expenses"),
        "list on the command line (receiptflow receipts, with the program's start)": _timed(
            lambda: _receiptflow(system, "receipts", "--json")
        ),
    }


def _timed(work: Any) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _list(system: System, path: str) -> float:
    """One page, the second time it is asked for."""
    headers = {"Authorization": f"Bearer {_owner_key(system)}"}
    with httpx.Client(base_url=system.settings.gateway_url, headers=headers, timeout=60) as client:
        client.get(path).raise_for_status()
        return _timed(lambda: client.get(path).raise_for_status())


def _owner_key(system: System) -> str:
    made = _receiptflow(system, "keys", "create", "--owner", "growth-0000", "--json")
    key: str = json.loads(made)["key"]
    return key


def prune(system: System) -> tuple[float, Mapping[str, int]]:
    """Prune all that has ended, with what Prefect's server removes behind it; seconds, and how many went by kind."""
    took, pruned = json.loads(_python(system, _PRUNE, str(system.settings.root)).splitlines()[-1])
    _python(
        system,
        _VACUUM,
        environment={"PREFECT_API_DATABASE_CONNECTION_URL": system.settings.database_url("prefect", "asyncpg")},
    )
    return took, pruned


def _python(system: System, program: str, *arguments: str, environment: Mapping[str, str] | None = None) -> str:
    own = system.environment | dict(environment or {})
    return python("-c", program, *arguments, seconds=_LONGEST_SECONDS, environment=own)


def _receiptflow(system: System, *arguments: str) -> str:
    command = [str(Path(sys.executable).with_name("receiptflow")), *arguments, "--data", str(system.settings.root)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_SECONDS, check=False)
    if not done.stdout:
        raise RuntimeError(f"{arguments}: {done.stderr[-500:]}")
    return done.stdout
