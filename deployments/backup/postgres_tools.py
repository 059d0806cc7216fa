"""pg_dump and pg_restore on a database's URL, and the exchange of one database for another in one transaction."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import psycopg
from psycopg import sql

from deployments.backup.errors import NotEmptyError, PostgresToolError
from deployments.stack.postgres import binary
from flows.ledger.database import driver_url
from flows.ledger.errors import LedgerUnavailableError

# libpq's environment variables for what an address can say behind its question mark. A password in a program's
# arguments could be read by every user of the machine.
_VARIABLES = {"sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}
_ERROR_CHARACTERS = 2000


def connect(url: str, database: str | None = None) -> psycopg.Connection[Any]:
    """A connection of its own to the database that `url` names, or to another one of the same server.

    Raises:
        LedgerUnavailableError: the server is away.
    """
    target = driver_url(url)
    target = target.set(database=database) if database else target
    address = target.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        return psycopg.connect(address, connect_timeout=10)
    except psycopg.OperationalError as error:
        raise LedgerUnavailableError(f"the database did not answer: {str(error).strip()}") from error


@contextmanager
def frozen(url: str) -> Iterator[tuple[psycopg.Connection[Any], str]]:
    """A connection that sees the database as it is now until the end of the block, and the name of that state, by which
    pg_dump sees the same.
    """
    with connect(url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        row = connection.execute("SELECT pg_export_snapshot()").fetchone()
        yield connection, str(row[0]) if row else ""


@contextmanager
def dumping(url: str, *options: str) -> Iterator[IO[bytes]]:
    """What pg_dump writes of a database, as a stream.

    Raises:
        PostgresToolError: it is too old for the server, or failed; at the end of the block.
    """
    command = [_program("pg_dump", url), "--format=custom", "--no-owner", "--no-privileges", *options]
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=_environment(url))
        try:
            if process.stdout is None:
                raise RuntimeError("pg_dump has no output")
            with process.stdout as output:
                yield output
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.wait() != 0:
            raise PostgresToolError(f"pg_dump failed: {_last_words(errors)}")


def load(url: str, dump: IO[bytes]) -> None:
    """Fill the empty database that `url` names from a dump.

    Raises:
        PostgresToolError: pg_restore failed.
    """
    name = str(driver_url(url).database)
    options = ("--no-owner", "--no-privileges", "--exit-on-error", f"--dbname={name}")
    done = subprocess.run(
        [_program("pg_restore", url), *options], stdin=dump, capture_output=True, check=False, env=_environment(url)
    )
    if done.returncode != 0:
        raise PostgresToolError(f"pg_restore failed: {done.stderr.decode(errors='replace')[-_ERROR_CHARACTERS:]}")


def create_empty(url: str, database: str) -> None:
    """Make a database on the same server, in place of one that an earlier restore left."""
    name = sql.Identifier(database)
    with connect(url, "postgres") as connection:
        connection.autocommit = True
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(name))


def exchange(url: str, replacement: str) -> None:
    """Give the database `replacement` the name of the one in `url`, which is dropped; all or nothing.

    Raises:
        NotEmptyError: somebody is connected to it.
    """
    name = str(driver_url(url).database)
    old = f"{name}_before_restore"
    with connect(url, "postgres") as connection:
        connection.autocommit = True
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(old)))
        there = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
        try:
            with connection.transaction():
                if there:
                    _rename(connection, name, old)
                _rename(connection, replacement, name)
        except psycopg.errors.ObjectInUse as error:
            raise NotEmptyError(
                f"Others are connected to the database {name}: stop gateway, workers and whoever else uses it."
            ) from error
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(old)))


def _rename(connection: psycopg.Connection[Any], name: str, new_name: str) -> None:
    query = sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(new_name))
    connection.execute(query)


def with_database(url: str, database: str) -> str:
    """The same address with another database."""
    return driver_url(url).set(database=database).render_as_string(hide_password=False)


def _program(name: str, url: str) -> str:
    """The wheel's program, or where that is older than the server the one on the PATH."""
    with connect(url) as connection:
        server = connection.info.server_version // 10000
    found: dict[str, int] = {}
    for path in (str(binary(name)), shutil.which(name)):
        if path:
            found[path] = _major(path)
            if found[path] >= server:
                return path
    known = ", ".join(f"{path} is {version}" for path, version in found.items())
    raise PostgresToolError(
        f"The server is PostgreSQL {server}, and {name} must not be older ({known}): install PostgreSQL's client "
        f"programs {server} or newer and put them on the PATH."
    )


def _major(program: str) -> int:
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"(\d+)", text.split(")")[-1])
    return int(match.group(1)) if match else 0


def _environment(url: str) -> dict[str, str]:
    target = driver_url(url)
    query = {name: value if isinstance(value, str) else value[0] for name, value in target.query.items()}
    named = {
        "PGHOST": target.host or query.get("host"),
        "PGPORT": str(target.port) if target.port else query.get("port"),
        "PGUSER": target.username or query.get("user"),
        "PGPASSWORD": str(target.password) if target.password else None,
        "PGDATABASE": target.database,
        **{variable: query.get(name) for name, variable in _VARIABLES.items()},
    }
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, **{name: value for name, value in named.items() if value}}


def _last_words(errors: IO[bytes]) -> str:
    errors.seek(0)
    return errors.read().decode(errors="replace")[-_ERROR_CHARACTERS:].strip()
