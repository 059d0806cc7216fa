"""What one receipt writes: transactions, rows and bytes of both databases, by PostgreSQL's own counters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from benchmarks.bench.system import System

Counters = dict[str, dict[str, float]]
_COUNTERS = (
    "SELECT datname, xact_commit, tup_inserted, tup_updated, tup_deleted, pg_database_size(datname) "
    "FROM pg_stat_database WHERE datname IN ('prefect', 'ledger')"
)
_ROWS = "SELECT relname, n_tup_ins FROM pg_stat_user_tables WHERE n_tup_ins > 0"
WRITTEN_SECONDS = 10.0  # Prefect writes events up to 5 s after they came, and PostgreSQL counts a little later
_NAMES = ("transactions", "inserted", "updated", "deleted", "bytes")


def database_counters(system: System) -> Counters:
    """The counters now; backends hand theirs in within a second or so of being idle."""
    rows = system.database.execute(_COUNTERS).fetchall()
    counters = {name: dict(zip(_NAMES, map(float, values), strict=True)) for name, *values in rows}
    counters["rows in prefect"] = _rows(system.prefect_database)
    counters["rows in ledger"] = _rows(system.database)
    return counters


def _rows(database: psycopg.Connection[Any]) -> dict[str, float]:
    return {table: float(rows) for table, rows in database.execute(_ROWS).fetchall()}


def each(after: Counters, before: Mapping[str, Mapping[str, float]], count: int) -> Counters:
    """The difference, for one of `count` receipts; what did not change is left out."""
    return {
        name: {
            counter: difference / count
            for counter, value in counters.items()
            if (difference := value - before[name].get(counter, 0.0))
        }
        for name, counters in after.items()
    }
