"""A new stack's tables are made by one script, which is what the migrations make, once and whole or not at all."""

from __future__ import annotations

import os
import signal
import threading
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg
import pytest

from deployments.stack import Stack, schemas
from deployments.stack.schemas import fill, script_path
from deployments.stack.schemas.write import migrated, script_of
from deployments.stack.settings import StackSettings
from flows.ledger.migrate import create_database, schema_is_current, upgrade

NAMES = ("prefect", "ledger")
# Some table in the midst of each script.
MIDST = {"prefect": "flow_run", "ledger": "expenses"}


def connect(settings: StackSettings, database: str) -> psycopg.Connection:
    return psycopg.connect(host=str(settings.socket_dir), user="postgres", dbname=database, autocommit=True)


def new_database(settings: StackSettings) -> str:
    name = f"new_{uuid.uuid4().hex[:8]}"
    create_database(settings.database_url(name))
    return name


def filled(settings: StackSettings, name: str, database: str) -> bool:
    with connect(settings, database) as connection:
        return fill(connection, name)


def tables(settings: StackSettings, database: str) -> int:
    query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    with connect(settings, database) as connection:
        return int((connection.execute(query).fetchone() or (0,))[0])


@pytest.mark.parametrize("name", NAMES)
def test_the_script_makes_what_the_installed_migrations_make(postgres: Stack, name: str) -> None:
    """If this fails after a migration or with another Prefect: `make schemas`."""
    settings = postgres.settings
    assert script_of(settings, name, migrated(settings, name, f"migrated_{name}")) == script_path(name).read_bytes()
    database = new_database(settings)
    assert filled(settings, name, database)
    assert script_of(settings, name, database) == script_path(name).read_bytes()
    assert not filled(settings, name, database)


def test_a_database_of_an_older_version_is_left_to_the_migrations(postgres: Stack) -> None:
    settings = postgres.settings
    database = new_database(settings)
    url = settings.database_url(database)
    upgrade(url, "0010")
    assert not filled(settings, "ledger", database)
    assert not schema_is_current(url)
    upgrade(url)
    assert schema_is_current(url)


@pytest.mark.parametrize("name", NAMES)
def test_a_script_of_other_migrations_is_not_used(postgres: Stack, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = new_database(postgres.settings)
    package, _ = schemas._MIGRATIONS[name]
    monkeypatch.setitem(schemas._MIGRATIONS, name, (package, "."))
    assert not filled(postgres.settings, name, database)
    assert tables(postgres.settings, database) == 0


def test_of_two_at_once_one_makes_the_tables(postgres: Stack) -> None:
    database = new_database(postgres.settings)
    together = threading.Barrier(2)

    def start(_: int) -> bool:
        with connect(postgres.settings, database) as connection:
            together.wait()
            return fill(connection, "prefect")

    with ThreadPoolExecutor(2) as starts:
        assert sorted(starts.map(start, range(2))) == [False, True]


@pytest.mark.parametrize("name", NAMES)
def test_a_server_that_is_killed_in_the_midst_leaves_no_half(
    stack_settings: Callable[[], StackSettings], name: str
) -> None:
    settings = stack_settings()
    with Stack(settings, core=["postgres"]) as stack:
        assert all(tables(settings, own) > len(own) for own in NAMES)  # a new stack has them
        database = new_database(settings)
        with closing(connect(settings, database)) as other, ThreadPoolExecutor(1) as filler:
            other.autocommit = False
            other.execute(f"CREATE TABLE {MIDST[name]} (id int)")  # the script comes so far and waits for its end
            filling = filler.submit(filled, settings, name, database)
            with connect(settings, database) as observer:
                waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
                while observer.execute(waiting, [database]).fetchone() == (0,):
                    assert not filling.done(), filling.result()
                    time.sleep(0.05)
                os.kill(stack.pids()["postgres"], signal.SIGKILL)
            with pytest.raises(psycopg.OperationalError):
                filling.result()
        while stack.starts()["postgres"] < 2 or not stack.ready("postgres"):
            time.sleep(0.05)
        assert tables(settings, database) == 0
        assert filled(settings, name, database)
        assert script_of(settings, name, database) == script_path(name).read_bytes()
