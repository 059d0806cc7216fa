"""The ledger's connection to PostgreSQL: one engine, one transaction per session, one edge for its errors."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg.errors
from sqlalchemy import URL, Engine, create_engine, event, exc, make_url, text
from sqlalchemy.orm import ORMExecuteState
from sqlmodel import Session

from flows.domain.errors import ConfigurationError, ReceiptflowError
from flows.ledger.connection_pool import try_before_use
from flows.ledger.errors import LedgerUnavailableError

STATEMENT_TIMEOUT_SECONDS = 30
LOCK_TIMEOUT_SECONDS = 10
# A process stopped in the middle of a transaction must not keep its row locks for longer than others wait for them.
IDLE_TRANSACTION_TIMEOUT_SECONDS = 8
CONNECT_TIMEOUT_SECONDS = 5
ADVISORY_LOCK_SECONDS = 60

# Rows are read as they are in the database now, never as a session has seen them before; so nothing has to be kept
# in step with what a statement wrote.
_FRESH = {"populate_existing": True, "synchronize_session": False}
# Not in psycopg's OperationalError, and yet they pass by themselves: a standby before its promotion,
# and a session that the server ended.
_PASSING = (psycopg.errors.ReadOnlySqlTransaction, psycopg.errors.IdleInTransactionSessionTimeout)
_NO_SCHEMA = (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn)


class Ledger:
    """The expense database. Safe to share between threads and to carry over a fork."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._autocommitting = engine.execution_options(isolation_level="AUTOCOMMIT")
        self._pid = os.getpid()

    @contextmanager
    def session(self) -> Iterator[Session]:
        """One transaction: committed at the end of the block, rolled back by an exception.

        Raises:
            LedgerUnavailableError: The database is away or another transaction was in the way; repeat the block.
            ConfigurationError: The tables are missing or old.
        """
        self._leave_parents_connections()
        with mapped_errors(), Session(self._engine) as session, session.begin():
            event.listen(session, "do_orm_execute", _read_fresh)
            yield session

    @contextmanager
    def autocommit(self) -> Iterator[Session]:
        """For single statements: each commits by itself, which takes two round trips less than a transaction of one.

        Raises:
            LedgerUnavailableError: The database is away or another transaction was in the way; repeat the block.
            ConfigurationError: The tables are missing or old.
        """
        self._leave_parents_connections()
        with mapped_errors(), Session(self._autocommitting) as session:
            event.listen(session, "do_orm_execute", _read_fresh)
            yield session

    @contextmanager
    def advisory_lock(self, name: str) -> Iterator[bool]:
        """Whether the caller got a lock that one process at a time can have; held during the block.

        An advisory lock of PostgreSQL, held by its connection: it ends with the block, with the process, or, so that
        a process that hangs does not keep it for ever, after `ADVISORY_LOCK_SECONDS`.

        Raises:
            LedgerUnavailableError: The database is away, or at the end of the block: the lock was lost before it.
        """
        with self.session() as session:
            session.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{ADVISORY_LOCK_SECONDS}s'"))
            query = text("SELECT pg_try_advisory_xact_lock(hashtext(:name))")
            yield bool(session.scalar(query, {"name": f"receiptflow:{name}"}))

    def close(self) -> None:
        """Close the pooled connections."""
        self._engine.dispose()

    def _leave_parents_connections(self) -> None:
        # A forked child that used its parent's sockets would read the parent's answers.
        if self._pid != os.getpid():
            self._engine.dispose(close=False)
            self._pid = os.getpid()


def _read_fresh(state: ORMExecuteState) -> None:
    state.update_execution_options(**_FRESH)


def open_ledger(url: str, *, pool_size: int = 4, application_name: str = "receiptflow") -> Ledger:
    """Make a ledger for `url`; connects at its first session.

    Args:
        url: `postgresql://…`, over TCP or, with `?host=<folder>`, a unix socket.
        pool_size: Connections kept; as many again may be opened in a rush.
        application_name: What PostgreSQL's `pg_stat_activity` shows.
    """
    engine = create_engine(
        driver_url(url),
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=LOCK_TIMEOUT_SECONDS,
        pool_use_lifo=True,
        connect_args=_connect_args(application_name),
    )
    try_before_use(engine)
    return Ledger(engine)


def driver_url(url: str) -> URL:
    """Name the driver that this project uses in `url`.

    Raises:
        ConfigurationError: Not the address of a PostgreSQL database.
    """
    try:
        parsed = make_url(url)
    except exc.ArgumentError as error:
        raise ConfigurationError("the ledger's address must look like postgresql://user@host/database") from error
    if parsed.get_backend_name() not in {"postgresql", "postgres"} or not parsed.database:
        raise ConfigurationError(
            f"the ledger's address must look like postgresql://user@host/database, not {parsed.render_as_string()}"
        )
    return parsed.set(drivername="postgresql+psycopg")


@contextmanager
def mapped_errors() -> Iterator[None]:
    """The one edge at which the driver's errors become this project's."""
    try:
        yield
    except (exc.DBAPIError, exc.TimeoutError) as error:
        ours = _as_ours(error)
        if ours is None:
            raise
        raise ours from error


def _connect_args(application_name: str) -> dict[str, Any]:
    timeouts = {
        "statement_timeout": STATEMENT_TIMEOUT_SECONDS,
        "lock_timeout": LOCK_TIMEOUT_SECONDS,
        "idle_in_transaction_session_timeout": IDLE_TRANSACTION_TIMEOUT_SECONDS,
    }
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": application_name,
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": STATEMENT_TIMEOUT_SECONDS * 1000,
        "options": " ".join(["-c timezone=UTC", *(f"-c {name}={seconds}s" for name, seconds in timeouts.items())]),
    }


def _as_ours(error: exc.DBAPIError | exc.TimeoutError) -> ReceiptflowError | None:
    cause = error.orig if isinstance(error, exc.DBAPIError) else None
    if isinstance(error, exc.OperationalError | exc.TimeoutError) or isinstance(cause, _PASSING):
        return LedgerUnavailableError(f"the ledger's database did not answer as needed: {str(cause or error).strip()}")
    if isinstance(error, exc.DBAPIError) and error.connection_invalidated:
        return LedgerUnavailableError(f"the connection to the ledger's database broke: {str(cause).strip()}")
    if isinstance(cause, _NO_SCHEMA):
        return ConfigurationError(f"the ledger's tables are missing or old ({cause}); run its migrations first")
    return None
