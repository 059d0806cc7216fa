"""`make schemas`: write the scripts of both databases anew, after another release of Prefect or a migration of ours."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from deployments.stack.postgres import binary
from deployments.stack.schemas import header, script_path
from deployments.stack.settings import StackSettings
from deployments.stack.stack import Stack
from flows.ledger.migrate import create_database, upgrade

_PORT = 27400  # of a stack whose PostgreSQL has a socket only
_OPTIONS = ("--username=postgres", "--inserts", "--no-owner", "--no-privileges", "--no-comments")


def main() -> None:
    """Migrate two databases of a PostgreSQL that is thrown away afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        settings = StackSettings(data_dir=Path(folder, "data"), port=_PORT)
        with Stack(settings, core=["postgres"]):
            for name in ("prefect", "ledger"):
                database = migrated(settings, name, f"migrated_{name}")
                script_path(name).write_bytes(script_of(settings, name, database))


def migrated(settings: StackSettings, name: str, database: str) -> str:
    """Make a database and let the migrations of `name` make its tables; its name."""
    create_database(settings.database_url(database))
    if name == "ledger":
        upgrade(settings.database_url(database))
        return database
    environment = {**os.environ, "PREFECT_HOME": str(settings.prefect_home)}
    environment["PREFECT_API_DATABASE_CONNECTION_URL"] = settings.database_url(database, driver="asyncpg")
    command = [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return database


def script_of(settings: StackSettings, name: str, database: str) -> bytes:
    """The script that makes what a database has: pg_dump's, without what differs each time and psql's own commands."""
    command = [str(binary("pg_dump")), f"--host={settings.socket_dir}", *_OPTIONS, database]
    dump = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    major = re.search(r"^-- Dumped from database version (\d+)", dump, re.MULTILINE)
    if major is None:
        raise ValueError("pg_dump does not name the server's version")
    lines = [line for line in dump.splitlines() if line and not line.startswith(("--", "\\"))]
    return header(name, int(major[1])) + "".join(f"{line}\n" for line in lines).encode()


if __name__ == "__main__":
    main()
