"""The ledger's schema: created and brought up to date by the migrations that are packaged beside this module."""

from __future__ import annotations

import psycopg.errors
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, NullPool, create_engine, exc, text

from flows.domain.errors import ConfigurationError
from flows.ledger.database import CONNECT_TIMEOUT_SECONDS, driver_url, mapped_errors

# Any number that no other program on the same server uses; these are the letters "rcptflow".
_LOCK = 0x72637074666C6F77


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
    """Bring the schema up to `revision` in one transaction; starts in parallel wait for each other.

    Raises:
        LedgerUnavailableError: The database is away.
        ConfigurationError: A newer version of the code has upgraded it.
    """
    engine = create_engine(
        driver_url(url), poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS}
    )
    with mapped_errors(), engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        try:
            command.upgrade(config_for(connection), revision)
        except CommandError as error:
            raise ConfigurationError(
                f"the ledger's schema is not this version's ({error}); start the receiptflow that upgraded it last"
            ) from error


def schema_is_current(url: str) -> bool:
    """Whether the database's schema is the one that this version of the code needs.

    Raises:
        LedgerUnavailableError: The database is away.
    """
    engine = create_engine(
        driver_url(url), poolclass=NullPool, connect_args={"connect_timeout": CONNECT_TIMEOUT_SECONDS}
    )
    with mapped_errors(), engine.connect() as connection:
        there = MigrationContext.configure(connection).get_current_revision()
        return there == ScriptDirectory.from_config(config_for(connection)).get_current_head()


def config_for(connection: Connection) -> Config:
    """What Alembic's commands need to work on this connection, within its transaction."""
    config = Config()
    config.set_main_option("script_location", "flows.ledger:migrations")
    config.attributes["connection"] = connection
    return config
