"""The tables of a new stack's databases in one script each, as migrations would make them one by one.

Prefect has more than a hundred migrations, each a transaction that is flushed to disk. The scripts are what pg_dump
says of databases that were migrated (`make schemas`); each names the migrations that it stands for. Where others are
installed, or a database has tables, nothing is done here, and migrations do what they always do.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import psycopg
from psycopg import sql

from deployments.stack.errors import DataUnusableError

# Where they lie in a package. Neither is imported: the supervisor is to hold neither Prefect nor the ledger.
_MIGRATIONS = {
    "prefect": ("prefect", "server/database/_migrations/versions/postgresql"),
    "ledger": ("flows", "ledger/migrations/versions"),
}
_TABLES = "SELECT EXISTS (SELECT FROM pg_class WHERE relnamespace = 'public'::regnamespace)"
# Any number that no other program on the same server uses; these are the letters "rcptschm".
_LOCK = 0x726370747363686D


def fill(connection: psycopg.Connection, name: str) -> bool:
    """Make all tables of the database `name`, to which the connection leads, in one transaction, if it has none.

    Returns:
        Whether this call made them.
    """
    script = script_path(name).read_bytes()
    if not script.startswith(header(name, connection.info.server_version // 10_000)):
        return False
    with connection.transaction():
        connection.execute(sql.SQL("SELECT pg_advisory_xact_lock({})").format(sql.Literal(_LOCK)))
        if connection.execute(_TABLES).fetchone() != (False,):
            return False
        connection.execute(script)
    return True


def script_path(name: str) -> Path:
    """Where the script of a database lies."""
    return Path(__file__).with_name(f"{name}.sql")


def header(name: str, postgres: int) -> bytes:
    """The first line of a script for the migrations that are installed, and for this major version of PostgreSQL."""
    return f"-- PostgreSQL {postgres}, migrations {_fingerprint(name)}\n".encode()


def _fingerprint(name: str) -> str:
    package, folder = _MIGRATIONS[name]
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise DataUnusableError(f"The package {package} is missing: run `make setup` again.")
    digest = hashlib.sha256()
    for path in sorted((Path(spec.origin).parent / folder).glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]
