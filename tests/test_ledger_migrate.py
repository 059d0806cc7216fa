"""The schema is made by its migrations alone: by many starts at once, up and down, and exactly as the tables say."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from conftest import free_ports
from ledger_helpers import PROCESS, begun, gone, race
from sqlalchemy import Connection, create_engine, inspect, make_url

from deployments.stack.postgres import binary
from flows.domain.errors import ConfigurationError
from flows.ledger import migrate, migrations
from flows.ledger.database import Ledger, driver_url, open_ledger
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.migrate import config_for, create_database, schema_is_current, upgrade
from flows.ledger.notifications import claim_notifications, list_webhooks
from flows.ledger.receipts import counts_by_state, find_running, list_receipts, record_quarantine, show_receipt
from flows.ledger.schema import Source, State
from flows.ledger.views import ReceiptView


@pytest.fixture
def filled(database_url: str) -> str:
    """URL of a database as the release with revision 0003 left it."""
    dump = Path(__file__).parent / "fixtures/ledger_0003.sql"
    command_line = [str(binary("psql")), "-qX", "-v", "ON_ERROR_STOP=1", "-f", str(dump), "-d"]
    subprocess.run([*command_line, database_url.replace("+psycopg", "")], check=True, stdout=subprocess.DEVNULL)
    return database_url


def test_eight_starts_at_once_create_and_migrate_once(database_url: str) -> None:
    parsed = make_url(database_url)
    fresh = parsed.set(database=f"{parsed.database}_fresh").render_as_string(hide_password=False)

    def start() -> bool:
        created = create_database(fresh)
        upgrade(fresh)
        return created

    try:
        answers = race([start] * 8)
        assert sorted(answers) == [False] * 7 + [True]
        assert schema_is_current(fresh)
    finally:
        engine = create_engine(driver_url(database_url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {parsed.database}_fresh WITH (FORCE)")
        engine.dispose()


def test_the_tables_are_what_the_migrations_make(database_url: str) -> None:
    assert not schema_is_current(database_url)
    upgrade(database_url)
    with create_engine(driver_url(database_url)).begin() as connection:
        command.check(config_for(connection))


def test_migrations_can_be_undone_and_made_again(database_url: str) -> None:
    upgrade(database_url)
    engine = create_engine(driver_url(database_url))
    with engine.begin() as connection:
        command.downgrade(config_for(connection), "base")
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()
    upgrade(database_url)
    assert schema_is_current(database_url)


def test_a_ledger_filled_by_the_release_before_keeps_everything(filled: str) -> None:
    """Filled by the code of revision 0003: samples, duplicates, hostile files, retries, a deletion, uploads, webhooks,
    two receipts and a delivery in flight.
    """
    before = _contents(filled)
    _hold_against_models(filled)
    assert _contents(filled) == before
    ledger = open_ledger(filled)
    with ledger.session() as session:
        states = {state.value: number for state, number in counts_by_state(session=session).items() if number}
        receipts = list_receipts(limit=500, session=session).items
        details = [show_receipt(one.id, session=session) for one in receipts]
        running = find_running(session=session)
        hooks = list_webhooks("anna", session=session)
    assert states == {"expensed": 23, "review": 4, "quarantined": 3, "waiting": 2, "duplicate": 2, "running": 2}
    assert Counter(one.source for one in receipts) == {Source.API: 28, Source.EVENT: 7, Source.UPLOAD: 1}
    assert {one.process.process.pid for one in running if one.process} == {6009, 6031}
    assert all(one.expense and one.extractions for one in details if one.state in {State.EXPENSED, State.DUPLICATE})
    assert len(hooks) == 3
    _finish_all(ledger, receipts)
    ledger.close()


def test_a_filled_ledger_goes_down_and_up_again(filled: str) -> None:
    upgrade(filled)
    before = _contents(filled)
    with create_engine(driver_url(filled)).begin() as connection:
        command.downgrade(config_for(connection), "0003")
        assert "holder" in {column["name"] for column in inspect(connection).get_columns("receipts")}
    _hold_against_models(filled)
    assert _contents(filled) == before


def _hold_against_models(url: str) -> None:
    upgrade(url)
    with create_engine(driver_url(url)).begin() as connection:
        command.check(config_for(connection))


def _contents(url: str) -> dict[str, list[str]]:
    """All values of all rows, whatever the columns' names."""
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return {
            name: sorted(map(str, connection.execute(f'TABLE "{name}"').fetchall()))
            for (name,) in tables
            if name != "alembic_version"
        }


def _finish_all(ledger: Ledger, receipts: Sequence[ReceiptView]) -> None:
    """What was in flight is taken over, now that its processes are gone, and the delivery is made by another."""
    for one in receipts:
        if one.state in {State.WAITING, State.RUNNING}:
            attempt = begun(ledger, one.id, process_is_gone=gone)
            with ledger.session() as session:
                record_quarantine(attempt, "cannot be read", session=session)
    with ledger.session() as session:
        assert not find_running(session=session)
        claimed = claim_notifications(PROCESS, process_is_gone=gone, session=session, limit=500)
    assert len({one.id for one in claimed}) >= 4


def test_a_migration_that_is_blocked_lets_writers_pass_and_says_so(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that never ends keeps a table locked; writers that come after the migration get their turn."""
    upgrade(database_url, "0003")
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr(migrate, "_PAUSE_SECONDS", 0.2)
    monkeypatch.setattr(migrate, "_TRIES", 3)
    plain = database_url.replace("+psycopg", "")
    with psycopg.connect(plain) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM receipts")
        migration = pool.submit(upgrade, database_url)
        wrote = 0
        while not migration.done():
            with psycopg.connect(plain, options="-c lock_timeout=10s") as writer:
                writer.execute("UPDATE receipts SET priority = 0")
                wrote += 1
            time.sleep(0.05)
        with pytest.raises(LedgerUnavailableError, match="pg_stat_activity"):
            migration.result()
        assert wrote >= 3
    assert not schema_is_current(database_url)
    upgrade(database_url)
    assert schema_is_current(database_url)


def test_a_migration_goes_on_once_what_blocked_it_is_over(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    upgrade(database_url, "0003")
    monkeypatch.setattr(migrate, "LOCK_TIMEOUT_SECONDS", 1)
    with psycopg.connect(database_url.replace("+psycopg", "")) as reader, ThreadPoolExecutor(1) as pool:
        reader.execute("SELECT count(*) FROM receipts")
        migration = pool.submit(upgrade, database_url)
        with pytest.raises(TimeoutError):
            migration.result(timeout=1.5)
        reader.rollback()
        migration.result()
    assert schema_is_current(database_url)


def _is_there(connection: psycopg.Connection[Any], name: str) -> bool:
    return connection.execute("SELECT 1 FROM pg_class WHERE relname = %s", [name]).fetchone() is not None


_CONCURRENT = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "9000", "{head}", None, None
def upgrade():
    with op.get_context().autocommit_block():
        op.drop_index("ix_large", if_exists=True, postgresql_concurrently=True)
        op.create_index("ix_large", "receipts", ["priority"], postgresql_concurrently=True)
"""


def test_a_large_index_is_made_while_others_write(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `migrate` says that later revisions do it, with a writer's transaction open all along, and two starts."""
    upgrade(database_url)
    packaged = Path(str(migrations.__path__[0]))
    shutil.copytree(packaged, tmp_path / "migrations")
    head = max(file.name[:4] for file in (packaged / "versions").glob("0*.py"))
    (tmp_path / "migrations/versions/9000_large_index.py").write_text(_CONCURRENT.format(head=head))

    def config(connection: Connection) -> Config:
        made = config_for(connection)
        made.set_main_option("script_location", str(tmp_path / "migrations"))
        return made

    monkeypatch.setattr(migrate, "config_for", config)
    plain = database_url.replace("+psycopg", "")
    with psycopg.connect(plain) as writer, ThreadPoolExecutor(2) as pool:
        writer.execute("UPDATE receipts SET priority = 1")
        starts = [pool.submit(upgrade, database_url) for _ in range(2)]
        with psycopg.connect(plain, options="-c lock_timeout=2s", autocommit=True) as other:
            while not any(start.done() for start in starts) and not _is_there(other, "ix_large"):
                other.execute("UPDATE receipts SET priority = 2")
        writer.commit()
        for start in starts:
            start.result()
    with psycopg.connect(plain) as connection:
        valid = connection.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = 'ix_large'::regclass")
        assert valid.fetchall() == [(True,)]


def test_a_schema_of_a_newer_version_is_refused(database_url: str) -> None:
    upgrade(database_url)
    engine = create_engine(driver_url(database_url))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    assert not schema_is_current(database_url)
    with pytest.raises(ConfigurationError, match="9999"):
        upgrade(database_url)


def test_a_server_that_is_away_is_unavailable() -> None:
    url = f"postgresql://127.0.0.1:{free_ports()}/ledger"
    for ask in (create_database, upgrade, schema_is_current):
        with pytest.raises(LedgerUnavailableError):
            ask(url)


def test_an_installed_wheel_brings_its_migrations(tmp_path: Path, database_url: str) -> None:
    source = tmp_path / "source"
    project = Path(__file__).parent.parent
    for package in ("flows", "blocks", "deployments"):
        shutil.copytree(project / package, source / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "LICENSE"):
        shutil.copy(project / name, source)
    (source / "README.md").touch()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(source)], check=True)
    wheel = next(tmp_path.glob("*.whl"))
    unpacked = tmp_path / "unpacked"
    subprocess.run([sys.executable, "-m", "zipfile", "-e", str(wheel), str(unpacked)], check=True)
    program = (
        f"import flows; assert flows.__file__.startswith({str(unpacked)!r}); from flows.ledger.migrate import upgrade; "
    )
    subprocess.run(
        [sys.executable, "-c", f"{program}upgrade({database_url!r})"],
        check=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(unpacked)},
    )
    assert schema_is_current(database_url)
