"""Real parts for the tests: a stack (PostgreSQL, SeaweedFS, Prefect's server, no worker) and pieces of one.

Each is started once a session and only if a test asks for it. Tests that share one must not rely on its being empty:
use keys, names and databases of your own (`database_url` is a fresh database for each test).
"""

from __future__ import annotations

import itertools
import random
import socket
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest
from sqlalchemy import text

from deployments.stack import Stack
from deployments.stack.settings import Ports, StackSettings
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.migrate import create_database, upgrade


def free_ports() -> int:
    """First of as many free neighbouring ports as a stack takes, below the range of outgoing connections."""
    while True:
        base = random.randrange(20_000, 32_000)
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
def stack_settings() -> Iterator[Callable[[], StackSettings]]:
    """Makes settings of a stack of one's own: a fresh folder, free ports.

    Not in pytest's temporary folder: each pytest that starts closes that to other users, also to the one that
    PostgreSQL runs as where the tests run as root.
    """
    with tempfile.TemporaryDirectory(prefix="receiptflow-test-") as folder:
        numbers = itertools.count()
        yield lambda: StackSettings(data_dir=Path(folder, str(next(numbers))), port=free_ports())


@pytest.fixture(scope="session")
def stack(stack_settings: Callable[[], StackSettings]) -> Iterator[Stack]:
    """A whole stack without worker and gateway."""
    with Stack(stack_settings()) as running:
        yield running


@pytest.fixture(scope="session")
def postgres(stack_settings: Callable[[], StackSettings]) -> Iterator[Stack]:
    """PostgreSQL alone, with the databases `prefect` and `ledger`."""
    with Stack(stack_settings(), core=["postgres"]) as running:
        yield running


@pytest.fixture(scope="session")
def seaweedfs(stack_settings: Callable[[], StackSettings]) -> Iterator[Stack]:
    """SeaweedFS alone, with the buckets `inbox` and `results`."""
    with Stack(stack_settings(), core=["seaweedfs"]) as running:
        yield running


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
def migrated_url(postgres: Stack) -> str:
    """URL of a database with the ledger's tables; ask for `ledger_url` to have them empty."""
    url = postgres.settings.database_url("ledger_tests")
    create_database(url)
    upgrade(url)
    return url


@pytest.fixture
def ledger_url(migrated_url: str) -> str:
    """URL of an empty ledger."""
    opened = open_ledger(migrated_url)
    with opened.session() as session:
        tables = session.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).scalars()
        names = ", ".join(name for name in tables if name != "alembic_version")
        session.execute(text(f"TRUNCATE {names} CASCADE"))
    opened.close()
    return migrated_url


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    """An empty ledger."""
    opened = open_ledger(ledger_url, pool_size=16)
    yield opened
    opened.close()


@pytest.fixture
def s3_client(seaweedfs: Stack) -> Any:
    """A boto3 client of the SeaweedFS alone."""
    return s3_client_of(seaweedfs)


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
def running_pipeline(stack_settings: Callable[[], StackSettings]) -> Iterator[Any]:
    """A whole stack with its worker and the real flow, for tests that damage it; it recovers by itself after each."""
    from recovery_helpers import running  # noqa: PLC0415 - Prefect is imported only where it is needed

    with running(stack_settings()) as parts:
        yield parts


@pytest.fixture
def live(running_pipeline: Any) -> Iterator[Any]:
    """The same as a test sees it (`recovery_helpers.Live`), with this process's Prefect client pointed at it."""
    from recovery_helpers import Live, pointed_at  # noqa: PLC0415 - see above

    stack, pipeline, log = running_pipeline
    with pointed_at(stack) as client:
        yield Live(stack, pipeline, client, log)
