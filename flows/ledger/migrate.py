"""The ledger's schema: created and brought up to date by the migrations that are packaged beside this module.

Each revision is a transaction of its own and waits for a table's lock for `LOCK_TIMEOUT_SECONDS`, since everybody who
comes after it waits behind it; then it lets them pass and tries again. An index on a table that grows (receipts,
contents, expenses, line_items, notifications, state_changes) is made without locking writers out:

    with op.get_context().autocommit_block():
        op.drop_index(name, if_exists=True, postgresql_concurrently=True)  # an invalid one of a try that broke off
        op.create_index(name, table, columns, postgresql_concurrently=True)
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, NullPool, create_engine, exc, text

from flows.domain.errors import ConfigurationError
from flows.ledger.database import CONNECT_TIMEOUT_SECONDS, driver_url, mapped_errors
from flows.ledger.errors import LedgerUnavailableError

# Any number that no other program on the same server uses; these are the letters "rcptflow".
_LOCK = 0x72637074666C6F77
# Well below the 10 s (`flows.ledger.database`) after which a writer that waits behind a migration gives up.
LOCK_TIMEOUT_SECONDS = 3
_MIGRATIONS = "flows.ledger:migrations"
_TRIES = 10
_PAUSE_SECONDS = 2.0
_TURN_POLL_SECONDS = 0.2


def create_database(url: str) -> bool:
    """Create the database that `url` names, unless it exists; any number of callers at once.

    Returns:
        Whether this call created it.

    Raises:
        LedgerUnavailableError: The server is away.
    """
    target = driver_url(url)
    server = create_engine(
        target.set(database="postgres"),
        isolation_level="AUTOCOMMIT",
        poolclass=NullPool,
        connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS},
    )
    name = server.dialect.identifier_preparer.quote(str(target.database))
    known = text("SELECT 1 FROM pg_database WHERE datname = :name")
    with mapped_errors(), server.connect() as connection:
        if connection.scalar(known, {"name": target.database}):
            return False
        try:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'"))
        except exc.DBAPIError as error:
            # Two that create one name at once: the later one gets either of these.
            if isinstance(error.orig, psycopg.errors.DuplicateDatabase | psycopg.errors.UniqueViolation):
                return False
            raise
        return True


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the schema up to `revision`, each revision in a transaction; starts in parallel wait for each other.

    Raises:
        LedgerUnavailableError: The database is away, or others keep a table locked; repeat it.
        ConfigurationError: A newer version of the code has upgraded it.
    """
    engine = _engine(url)
    with mapped_errors(), _our_turn(engine):
        for _ in range(_TRIES):
            if _upgraded(engine, revision):
                return
            time.sleep(_PAUSE_SECONDS)  # whoever waited behind the migration goes first
    raise LedgerUnavailableError(_BLOCKED)


_BLOCKED = (
    "the ledger's schema was not upgraded: other transactions keep its tables locked. Nothing is half done. End them "
    "(`SELECT pid, state, query FROM pg_stat_activity` shows them, pg_terminate_backend(pid) ends one) and start again"
)


def _engine(url: str) -> Engine:
    return create_engine(driver_url(url), poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS})


@contextmanager
def _our_turn(engine: Engine) -> Iterator[None]:
    """One migration at a time, by a lock of a session that has no transaction open and waits in no query: an index that
    is made concurrently waits for every transaction that was there before it.
    """
    with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": _LOCK}):
            time.sleep(_TURN_POLL_SECONDS)
        yield


def _upgraded(engine: Engine, revision: str) -> bool:
    """Whether it is done; False if another transaction kept a table locked for too long."""
    with engine.connect() as connection:
        connection.execute(text(f"SET lock_timeout = '{LOCK_TIMEOUT_SECONDS}s'"))
        connection.commit()
        try:
            command.upgrade(config_for(connection), revision)
        except exc.OperationalError as error:
            if isinstance(error.orig, psycopg.errors.LockNotAvailable):
                return False
            raise
        except CommandError as error:
            raise ConfigurationError(
                f"the ledger's schema is not this version's ({error}); start the receiptflow that upgraded it last"
            ) from error
    return True


def schema_is_current(url: str) -> bool:
    """Whether the database's schema is the one that this version of the code needs.

    Raises:
        LedgerUnavailableError: The database is away.
    """
    with mapped_errors(), _engine(url).connect() as connection:
        there = MigrationContext.configure(connection).get_current_revision()
        return there == ScriptDirectory.from_config(config_for(connection)).get_current_head()


def knows_revision(revision: str) -> bool:
    """Whether this version of the code has the migration that leads to a schema of this revision."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    return any(script.revision == revision for script in ScriptDirectory.from_config(config).walk_revisions())


def config_for(connection: Connection) -> Config:
    """What Alembic's commands need to work on this connection, within its transaction if it has begun one."""
    config = Config()
    config.set_main_option("script_location", _MIGRATIONS)
    config.attributes["connection"] = connection
    return config
