"""What can be seen from outside after a chaos run: the two databases by plain SQL, the execution log, the deliveries.

Nothing here goes through the code under test.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg

from benchmarks.chaos.rig import Rig

_OPEN_STATES = ("waiting", "running")
_EXPENSES = """
    SELECT contents.sha256, count(*) FROM expenses JOIN contents ON contents.id = content_id
    WHERE voided_at IS NULL GROUP BY 1
"""
_BOOKED = "SELECT receipt_id, merchant FROM expenses WHERE voided_at IS NULL"
_OPEN_TASKS = """
    SELECT id, name, state_type, state_name FROM task_run WHERE state_type IN ('PENDING', 'RUNNING', 'CANCELLING')
"""
# A run that is only scheduled for later is not open, one that is overdue is.
_OPEN_RUNS = """
    SELECT id, name, state_type, state_name FROM flow_run
    WHERE state_type IN ('PENDING', 'RUNNING', 'CANCELLING', 'PAUSED')
        OR (state_type = 'SCHEDULED' AND next_scheduled_start_time < now())
"""


@dataclass(frozen=True)
class Execution:
    """One line of the execution log. `at` is in Unix seconds."""

    at: float
    event: str
    step: str
    subject: str
    version: str
    pid: int


@dataclass
class Evidence:
    """One look at everything. Times are Unix seconds."""

    receipts: list[dict[str, Any]] = field(default_factory=list)
    expenses: Counter[str] = field(default_factory=Counter)
    booked: dict[str, str | None] = field(default_factory=dict)
    notifications: list[dict[str, Any]] = field(default_factory=list)
    changes: list[float] = field(default_factory=list)
    run_states: dict[UUID, list[tuple[float, str, str]]] = field(default_factory=dict)
    open_runs: list[dict[str, Any]] = field(default_factory=list)
    open_tasks: list[dict[str, Any]] = field(default_factory=list)
    executions: list[Execution] = field(default_factory=list)

    @property
    def unfinished(self) -> list[dict[str, Any]]:
        """Receipts without a final place."""
        return [receipt for receipt in self.receipts if receipt["state"] in _OPEN_STATES]

    @property
    def unsent(self) -> list[dict[str, Any]]:
        """Notifications that nobody has got yet."""
        return [one for one in self.notifications if one["state"] != "sent"]


def look(rig: Rig) -> Evidence:
    """Read everything as it is now; raises psycopg.Error while the database is away."""
    evidence = Evidence(executions=read_executions(rig.executions))
    with rig.database("ledger") as ledger:
        evidence.receipts = _rows(ledger, "SELECT * FROM receipts ORDER BY received_at")
        evidence.expenses = Counter({row["sha256"]: row["count"] for row in _rows(ledger, _EXPENSES)})
        evidence.booked = {str(row["receipt_id"]): row["merchant"] for row in _rows(ledger, _BOOKED)}
        evidence.notifications = _rows(ledger, "SELECT * FROM notifications")
        evidence.changes = [row["at"].timestamp() for row in _rows(ledger, "SELECT at FROM state_changes ORDER BY id")]
    with rig.database("prefect") as prefect:
        evidence.run_states = _run_states(prefect)
        evidence.open_runs = _rows(prefect, _OPEN_RUNS)
        evidence.open_tasks = _rows(prefect, _OPEN_TASKS)
    return evidence


def _run_states(prefect: psycopg.Connection[Any]) -> dict[UUID, list[tuple[float, str, str]]]:
    found: dict[UUID, list[tuple[float, str, str]]] = defaultdict(list)
    for row in _rows(prefect, 'SELECT flow_run_id, "timestamp", type, name FROM flow_run_state ORDER BY "timestamp"'):
        moment: datetime = row["timestamp"]
        found[row["flow_run_id"]].append((moment.timestamp(), str(row["type"]), str(row["name"])))
    return dict(found)


def _rows(connection: psycopg.Connection[Any], query: str) -> list[dict[str, Any]]:
    cursor = connection.execute(query)
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def read_executions(path: Path) -> list[Execution]:
    """The execution log, in the order written; its times are those of the machine, whatever a host's clock said."""
    return list(_parsed(path.read_text().splitlines())) if path.exists() else []


def _parsed(lines: Iterable[str]) -> Iterable[Execution]:
    machine_start = time.time() - time.monotonic()
    for line in lines:
        since_start, event, step, subject, version, pid, *_spent = line.split("\t")
        yield Execution(machine_start + float(since_start), event, step, subject, version, int(pid))
