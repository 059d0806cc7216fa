"""Prefect's events about deleted receipts, which repeat their runs' names and messages: its API cannot delete them, so
where the gateway is told of Prefect's database, they are deleted there.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from flows.flow_runs.submission import OrchestratorUnavailableError

# An event belongs to each resource that it names, the flow run of a task run's event among them.
_DELETE = text("""
    WITH gone AS (
        DELETE FROM event_resources WHERE event_id IN (
            SELECT event_id FROM event_resources WHERE resource_id = ANY(:resources)
        ) RETURNING event_id
    )
    DELETE FROM events WHERE id IN (SELECT event_id FROM gone)
""")
# Lines that came after their run was deleted, which Prefect does not refuse.
_DELETE_LOGS = text("DELETE FROM log WHERE flow_run_id = ANY(:runs)")


class PrefectEvents:
    """The events in one database of Prefect's. A connection is opened for each removal, as those are rare.

    Args:
        database_url: As SQLAlchemy writes it.
    """

    def __init__(self, database_url: str) -> None:
        self._engine = create_engine(database_url, poolclass=NullPool)

    def remove(self, flow_run_ids: Collection[UUID], receipt_ids: Collection[UUID]) -> int:
        """Remove all events that name one of the flow runs or receipts, and late log lines; returns how many events.

        Raises:
            OrchestratorUnavailableError: the database does not answer, or Prefect keeps its events otherwise now.
        """
        names = [f"prefect.flow-run.{one}" for one in flow_run_ids]
        names += [f"receiptflow.receipt.{one}" for one in receipt_ids]
        try:
            with self._engine.begin() as connection:
                done: Any = connection.execute(_DELETE, {"resources": names})
                connection.execute(_DELETE_LOGS, {"runs": list(flow_run_ids)})
                return int(done.rowcount)
        except SQLAlchemyError as error:
            raise OrchestratorUnavailableError(f"Prefect's events cannot be deleted: {error}") from error
