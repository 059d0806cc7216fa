"""Real parts for the tests: one stack a session (PostgreSQL, SeaweedFS, Prefect's server, no worker), grown on demand.

A test that asks for `postgres` alone starts PostgreSQL alone; whatever else a later test asks for joins the same stack.
Tests that share it must not rely on its being empty: use keys, names and databases of your own (`database_url` is a
fresh database for each test). Which marker and which group a test has follows from what it asks for: `selection`.
"""

from __future__ import annotations

import itertools
import os
import random
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import prepared_postgres
import psycopg
import pytest
from selection import pytest_collection_finish, pytest_collection_modifyitems
from sqlalchemy import delete, table, text

from deployments.stack import Stack
from deployments.stack.prefect_server import prefect_service
from deployments.stack.seaweedfs import seaweedfs_service
from deployments.stack.settings import Ports, StackSettings
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.migrate import create_database, upgrade

Prepare = Callable[[StackSettings], StackSettings]

__all__ = ["pytest_collection_finish", "pytest_collection_modifyitems"]

# Below the range of outgoing connections; each worker of a parallel run has a share of its own.
_FIRST_PORT, _LAST_PORT = 20_000, 32_000


def free_ports() -> int:
    """First of as many free neighbouring ports as a stack takes, which no other worker of this test run picks."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    share = (_LAST_PORT - _FIRST_PORT) // workers
    first = _FIRST_PORT + worker * share
    while True:
        base = random.randrange(first, first + share - Ports.COUNT)
        if all(_is_free(port) for port in range(base, base + Ports.COUNT)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@pytest.fixture(scope="session")
def _new_settings() -> Iterator[Callable[[], StackSettings]]:
    """Makes settings of a stack of one's own: a fresh folder, free ports.

    Not in pytest's temporary folder: each pytest that starts closes that to other users, also to the one that
    PostgreSQL runs as where the tests run as root.
    """
    with tempfile.TemporaryDirectory(prefix="receiptflow-test-") as folder:
        numbers = itertools.count()
        yield lambda: StackSettings(data_dir=Path(folder, str(next(numbers))), port=free_ports())


@pytest.fixture(scope="session")
def _prepare(
    _new_settings: Callable[[], StackSettings], tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config
) -> Prepare:
    """Gives a stack that has not started yet the prepared PostgreSQL."""
    has_cache = pytestconfig.pluginmanager.has_plugin("cacheprovider")
    cache = pytestconfig.cache.mkdir("postgres") if has_cache else tmp_path_factory.mktemp("postgres")
    return lambda settings: prepared_postgres.place(settings, cache, _new_settings)


# The same two for tests: whoever asks for them is taken for a test that starts stacks of its own, by `selection`.
@pytest.fixture(scope="session")
def stack_settings(_new_settings: Callable[[], StackSettings]) -> Callable[[], StackSettings]:
    """Makes settings of a stack of the test's own, which begins with nothing."""
    return _new_settings


@pytest.fixture(scope="session")
def prepare(_prepare: Prepare) -> Prepare:
    """Gives a stack of the test's own databases that have their tables already, which saves seconds of its start."""
    return _prepare


@pytest.fixture(scope="session")
def _session_stack(_new_settings: Callable[[], StackSettings], _prepare: Prepare) -> Iterator[Stack]:
    """The session's stack, PostgreSQL only as yet."""
    with Stack(_prepare(_new_settings()), core=["postgres"]) as running:
        yield running


@pytest.fixture(scope="session")
def postgres(_session_stack: Stack) -> Stack:
    """PostgreSQL, with the databases `prefect` and `ledger`."""
    return _session_stack


@pytest.fixture(scope="session")
def seaweedfs(_session_stack: Stack) -> Stack:
    """SeaweedFS, with the buckets `inbox` and `results`."""
    _session_stack.add(seaweedfs_service(_session_stack.settings, _session_stack.credentials))
    return _session_stack


@pytest.fixture(scope="session")
def stack(_session_stack: Stack, seaweedfs: Stack) -> Stack:
    """A whole stack without worker and gateway."""
    _session_stack.add(prefect_service(_session_stack.settings, _session_stack.credentials))
    return _session_stack


@pytest.fixture
def database_url(postgres: Stack) -> Iterator[str]:
    """SQLAlchemy URL (psycopg) of an empty database that goes after the test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    host = str(postgres.settings.socket_dir)
    with psycopg.connect(host=host, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        yield postgres.settings.database_url(name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def copied_ledger(postgres: Stack) -> Callable[[], str]:
    """Makes databases of a test's own with the ledger's tables; their URLs."""
    template = "ledger_template"
    create_database(postgres.settings.database_url(template))
    upgrade(postgres.settings.database_url(template))

    def copy() -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        with psycopg.connect(host=str(postgres.settings.socket_dir), user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return postgres.settings.database_url(name)

    return copy


@pytest.fixture(scope="session")
def migrated_url(postgres: Stack) -> str:
    """URL of a database with the ledger's tables; ask for `ledger_url` to have them empty."""
    url = postgres.settings.database_url("ledger_tests")
    create_database(url)
    upgrade(url)
    return url


@pytest.fixture(scope="session")
def _session_ledger(migrated_url: str) -> Iterator[Ledger]:
    """The ledger of all tests that need no engine of their own: its connections stay open."""
    opened = open_ledger(migrated_url, pool_size=16)
    yield opened
    opened.close()


@pytest.fixture
def ledger_url(migrated_url: str, _session_ledger: Ledger) -> str:
    """URL of an empty ledger."""
    with _session_ledger.session() as session:
        session.execute(text("SET LOCAL session_replication_role = replica"))  # foreign keys do not mind the order
        tables = session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars().all()
        for name in tables:
            if name != "alembic_version":
                session.execute(delete(table(name)))  # on few rows a third of what TRUNCATE takes
    return migrated_url


@pytest.fixture
def ledger(ledger_url: str, _session_ledger: Ledger) -> Ledger:
    """An empty ledger, to be left open."""
    return _session_ledger


@pytest.fixture
def s3_client(seaweedfs: Stack) -> Any:
    """A boto3 client of the SeaweedFS alone."""
    return s3_client_of(seaweedfs)


def remove_bucket(client: Any, bucket: str) -> None:
    """Remove a bucket with all that it holds: each takes volumes of its own, of which a small SeaweedFS has few."""
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for one in (*page.get("Versions", ()), *page.get("DeleteMarkers", ())):
            client.delete_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])
    client.delete_bucket(Bucket=bucket)


def s3_client_of(stack: Stack) -> Any:
    """A boto3 client of this stack's S3 endpoint."""
    env = stack.environment
    return boto3.client(
        "s3",
        endpoint_url=env["RECEIPTFLOW_S3_ENDPOINT_URL"],
        aws_access_key_id=env["RECEIPTFLOW_S3_ACCESS_KEY"],
        aws_secret_access_key=env["RECEIPTFLOW_S3_SECRET_KEY"],
        region_name="us-east-1",
    )


@pytest.fixture
def prefect_api(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The stack, with this process's Prefect client and child processes pointed at it."""
    from prefect.settings import PREFECT_API_AUTH_STRING, PREFECT_API_URL, temporary_settings  # noqa: PLC0415

    for name, value in stack.environment.items():
        monkeypatch.setenv(name, value)
    env = stack.environment
    values = {PREFECT_API_URL: env["PREFECT_API_URL"], PREFECT_API_AUTH_STRING: env["PREFECT_API_AUTH_STRING"]}
    with temporary_settings(values):
        yield stack


@pytest.fixture(scope="session")
def running_pipeline(_new_settings: Callable[[], StackSettings], _prepare: Prepare) -> Iterator[Any]:
    """A whole stack with its worker and the real flow, for tests that damage it; it recovers by itself after each."""
    from recovery_helpers import running  # noqa: PLC0415 - Prefect is imported only where it is needed

    with running(_prepare(_new_settings())) as parts:
        yield parts


@pytest.fixture
def live(running_pipeline: Any) -> Iterator[Any]:
    """The same as a test sees it (`recovery_helpers.Live`), with this process's Prefect client pointed at it."""
    from recovery_helpers import Live, pointed_at  # noqa: PLC0415 - see above

    stack, pipeline, log = running_pipeline
    with pointed_at(stack) as client:
        yield Live(stack, pipeline, client, log)
