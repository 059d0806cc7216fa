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
from flows.domain.public_ids import expense_id
from flows.ledger import migrate, migrations
from flows.ledger.database import Ledger, driver_url, open_ledger
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.migrate import config_for, create_database, schema_is_current, upgrade
from flows.ledger.notifications import claim_notifications, list_webhooks
from flows.ledger.receipts import counts_by_state, find_running, list_receipts, record_quarantine, show_receipt
from flows.ledger.schema import NotificationKind, Source, State
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
    upgrade(filled, "0004")
    assert _contents(filled) == before
    _hold_against_models(filled)
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
    for one in details:
        if one.expense is not None and one.duplicate_of is None:
            assert (one.expense.public_id, one.expense.revision >= 1) == (expense_id(one.owner, str(one.sha256)), True)
    assert len(hooks) == 3
    _finish_all(ledger, receipts)
    ledger.close()


def test_a_filled_ledger_goes_down_and_up_again(filled: str) -> None:
    before = _contents(filled)
    upgrade(filled)
    with create_engine(driver_url(filled)).begin() as connection:
        command.downgrade(config_for(connection), "0003")
        assert "holder" in {column["name"] for column in inspect(connection).get_columns("receipts")}
    assert _contents(filled) == before
    _hold_against_models(filled)


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


_OLD_ROWS = """
    INSERT INTO receipts (id, bucket, key, etag, owner, source, state, reason_code, sha256) VALUES
        ('00000000-0000-4000-8000-000000000001', 'inbox', 'anna/1', 'a', 'anna', 'api', 'expensed', NULL, 'aa'),
        ('00000000-0000-4000-8000-000000000002', 'inbox', 'anna/2', 'b', 'anna', 'api', 'quarantined', 'superseded',
         'aa');
    INSERT INTO contents (id, owner, sha256, media_type, size_bytes, canonical_receipt_id) VALUES
        ('00000000-0000-4000-8000-000000000003', 'anna', 'aa', '', 0, '00000000-0000-4000-8000-000000000001');
    UPDATE receipts SET content_id = '00000000-0000-4000-8000-000000000003' WHERE key = 'anna/1';
    INSERT INTO extractions (id, content_id, engine, engine_version, parser_version, fields, words_key, decision)
        VALUES ('00000000-0000-4000-8000-000000000004', '00000000-0000-4000-8000-000000000003', '', '', '', '{}', '',
                'accept');
    INSERT INTO expenses (content_id, receipt_id, extraction_id, owner, total, revision) VALUES
        ('00000000-0000-4000-8000-000000000003', '00000000-0000-4000-8000-000000000001',
         '00000000-0000-4000-8000-000000000004', 'anna', 12.50, 2);
    INSERT INTO notifications (receipt_id, owner, kind, channel, payload) VALUES
        ('00000000-0000-4000-8000-000000000001', 'anna', 'expense_ready', 'owner', '{"kind": "expense_ready"}');
    INSERT INTO webhooks (owner, url, secret, kinds) VALUES
        ('anna', 'https://one', '', '{expense_ready,needs_review,quarantined}'),
        ('anna', 'https://two', '', '{quarantined}');
"""


def test_expenses_of_before_get_their_id_and_revision_and_notifications_their_kind(database_url: str) -> None:
    upgrade(database_url, "0004")
    engine = create_engine(driver_url(database_url))
    with engine.begin() as connection:
        connection.exec_driver_sql(_OLD_ROWS)
    upgrade(database_url)
    with engine.begin() as connection:
        expense = connection.exec_driver_sql("SELECT public_id, revision, voided_at FROM expenses").one()
        assert tuple(expense) == (expense_id("anna", "aa"), 3, None)
        told = connection.exec_driver_sql("SELECT kind, revision, payload ->> 'kind' FROM notifications").one()
        assert tuple(told) == ("expense.ready", 1, "expense.ready")
        kinds = [set(row.kinds) for row in connection.exec_driver_sql("SELECT kinds FROM webhooks ORDER BY url")]
        assert kinds == [set(NotificationKind), {"receipt.quarantined"}]
        superseded = connection.exec_driver_sql("SELECT sha256, content_id FROM receipts WHERE key = 'anna/2'").one()
        assert (superseded.sha256, str(superseded.content_id)[-1]) == (None, "3")
    with engine.begin() as connection:
        command.downgrade(config_for(connection), "0004")
    with engine.begin() as connection:
        assert connection.exec_driver_sql("SELECT kind FROM notifications").scalar_one() == "expense_ready"
        assert connection.exec_driver_sql("SELECT revision FROM expenses").scalar_one() == 2
    engine.dispose()


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
