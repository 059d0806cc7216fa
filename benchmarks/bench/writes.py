"""What one receipt writes: transactions, rows and bytes of both databases, by PostgreSQL's own counters."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.bench.observed import Observed

Counters = dict[str, dict[str, float]]
_COUNTERS = (
    "SELECT datname, xact_commit, tup_inserted, tup_updated, tup_deleted, pg_database_size(datname) "
    "FROM pg_stat_database WHERE datname IN ('prefect', 'ledger')"
)
_NAMES = ("transactions", "inserted", "updated", "deleted", "bytes")


def database_counters(system: Observed) -> Counters:
    """The counters now; backends hand theirs in within a second or so of being idle."""
    rows = system.database.execute(_COUNTERS).fetchall()
    return {name: dict(zip(_NAMES, map(float, values), strict=True)) for name, *values in rows}


def each(after: Counters, before: Mapping[str, Mapping[str, float]], count: int) -> Counters:
    """The difference, for one of `count` receipts."""
    return {
        name: {counter: (value - before[name][counter]) / count for counter, value in counters.items()}
        for name, counters in after.items()
    }
