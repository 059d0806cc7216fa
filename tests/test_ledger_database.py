"""Whatever ails the database arrives as one error that is retried, and nothing else does."""

from __future__ import annotations

import datetime as dt
import os
import signal
import threading
import time
from collections.abc import Callable

import psycopg
import pytest
from conftest import free_ports
from ledger_helpers import an_object, count, race, received
from sqlalchemy import make_url, text
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from flows.domain.errors import ConfigurationError, TransientError
from flows.ledger import connection_pool
from flows.ledger import database as ledger_database
from flows.ledger.database import Ledger, open_ledger
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.receipts import counts_by_state, get_receipt, hold, receive


def _ask(ledger: Ledger, statement: str = "SELECT 1") -> object:
    with ledger.session() as session:
        return session.execute(text(statement)).scalar()


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://127.0.0.1:{port}/ledger",
        "postgresql+psycopg://nobody@/ledger?host=/no/such/folder",
        "postgres://127.0.0.1:{port}/ledger",
    ],
)
def test_a_database_that_is_away_is_unavailable(url: str) -> None:
    absent = open_ledger(url.format(port=free_ports()))
    with pytest.raises(LedgerUnavailableError) as caught:
        _ask(absent)
    assert isinstance(caught.value, TransientError)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize("url", ["", "sqlite:///x.db", "postgresql://host", "mysql://u:secret@h/d"])
def test_an_address_of_no_postgresql_is_refused_without_showing_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_ledger(url)
    assert "secret" not in str(caught.value)


def test_a_database_without_tables_says_what_to_run(database_url: str) -> None:
    empty = open_ledger(database_url)
    with pytest.raises(ConfigurationError, match="migrations"), empty.session() as session:
        counts_by_state(session=session)
    empty.close()


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT pg_terminate_backend(pg_backend_pid())",
        "SET LOCAL statement_timeout = '20ms'; SELECT pg_sleep(5)",
        "SET LOCAL transaction_read_only = on; DELETE FROM receipts",
        "DO $$ BEGIN RAISE SQLSTATE '40001'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '53100'; END $$",
        "DO $$ BEGIN RAISE SQLSTATE '53300'; END $$",
    ],
    ids=["killed", "timeout", "read only", "serialization", "deadlock", "disk full", "too many connections"],
)
def test_what_passes_by_itself_is_unavailable_and_the_next_session_works(ledger: Ledger, statement: str) -> None:
    with pytest.raises(LedgerUnavailableError):
        _ask(ledger, statement)
    assert _ask(ledger) == 1


def test_a_mistake_stays_what_it_is(ledger: Ledger) -> None:
    with pytest.raises(Exception, match="division by zero") as caught:
        _ask(ledger, "SELECT 1/0")
    assert not isinstance(caught.value, TransientError)


def test_two_that_wait_for_each_other_are_parted(ledger: Ledger) -> None:
    ids = [received(ledger, "anna/1"), received(ledger, "anna/2")]
    both = threading.Barrier(2)

    def lock(order: list[object]) -> Callable[[], None]:
        def work() -> None:
            with ledger.session() as session:
                for position, receipt_id in enumerate(order):
                    session.execute(text("SELECT 1 FROM receipts WHERE id = :id FOR UPDATE"), {"id": receipt_id})
                    if position == 0:
                        both.wait()

        return work

    answers = race([lock([*ids]), lock([*ids[::-1]])])
    assert sorted(type(answer) for answer in answers if answer)[0] is LedgerUnavailableError


def test_a_lock_that_is_not_given_back_is_not_waited_for_without_end(
    ledger: Ledger, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt_id = received(ledger)
    monkeypatch.setattr(ledger_database, "LOCK_TIMEOUT_SECONDS", 1)
    hasty = open_ledger(ledger_url)
    with ledger.session() as holding:
        holding.execute(text("SELECT 1 FROM receipts FOR UPDATE"))
        with pytest.raises(LedgerUnavailableError, match="lock timeout"), hasty.session() as session:
            hold(receipt_id, "cancelled", session=session)
    hasty.close()


def test_a_process_stopped_in_a_transaction_loses_its_locks(
    ledger: Ledger, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt_id = received(ledger)
    monkeypatch.setattr(ledger_database, "IDLE_TRANSACTION_TIMEOUT_SECONDS", 1)
    child = os.fork()
    if child == 0:
        with open_ledger(ledger_url).session() as session:
            session.execute(text("SELECT 1 FROM receipts FOR UPDATE"))
            os.kill(os.getpid(), signal.SIGSTOP)
        os._exit(0)
    try:
        os.waitpid(child, os.WUNTRACED)
        with ledger.session() as session:
            assert hold(receipt_id, "its process hangs", session=session)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_turn_is_one_callers_at_a_time_for_longer_than_a_transaction_may_idle(
    ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_database, "IDLE_TRANSACTION_TIMEOUT_SECONDS", 1)
    one, other = open_ledger(ledger_url), open_ledger(ledger_url)
    with one.advisory_lock("recovery") as mine:
        time.sleep(1.5)
        with other.advisory_lock("recovery") as theirs, other.advisory_lock("sweep") as another:
            assert (mine, theirs, another) == (True, False, True)
    with other.advisory_lock("recovery") as theirs:
        assert theirs
    one.close()
    other.close()


def test_a_turn_that_is_hung_on_to_is_lost(ledger_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_database, "ADVISORY_LOCK_SECONDS", 1)
    hanging, other = open_ledger(ledger_url), open_ledger(ledger_url)
    with pytest.raises(LedgerUnavailableError), hanging.advisory_lock("recovery"):
        time.sleep(1.5)
        with other.advisory_lock("recovery") as theirs:
            assert theirs
    hanging.close()
    other.close()


def test_an_exception_in_the_block_undoes_it(ledger: Ledger) -> None:
    with pytest.raises(KeyError), ledger.session() as session:
        receive(an_object(), session=session)
        raise KeyError
    assert count(ledger, "receipts") == 0


def _end_connections(ledger_url: str) -> None:
    with psycopg.connect(ledger_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'receiptflow'"
        )


def test_connections_that_died_in_the_pool_are_not_noticed(ledger: Ledger, ledger_url: str) -> None:
    _ask(ledger)
    _end_connections(ledger_url)
    assert _ask(ledger) == 1


def test_a_connection_whose_end_nobody_told_is_found_once_it_was_idle(
    ledger: Ledger, ledger_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection_pool, "_has_something_to_say", lambda _: False)
    _ask(ledger)
    _end_connections(ledger_url)
    with pytest.raises(LedgerUnavailableError):  # used a moment ago: it is not tried, its use fails and may be repeated
        _ask(ledger)
    _ask(ledger)
    _end_connections(ledger_url)
    monkeypatch.setattr(connection_pool, "TRIED_AFTER_IDLE_SECONDS", 0.0)
    assert _ask(ledger) == 1


def test_a_connection_in_use_is_not_tried_before_each_use(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []
    monkeypatch.setattr(PGDialect_psycopg, "do_ping", lambda _, connection: tried.append(connection))
    for _ in range(5):
        _ask(ledger)
    assert tried == []
    monkeypatch.setattr(connection_pool, "TRIED_AFTER_IDLE_SECONDS", 0.0)
    _ask(ledger)
    assert len(tried) == 1


def test_a_forked_child_uses_connections_of_its_own(ledger: Ledger) -> None:
    mine = _ask(ledger, "SELECT pg_backend_pid()")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, str(_ask(ledger, "SELECT pg_backend_pid()")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = int(os.read(reading, 100))
    os.close(reading)
    os.close(writing)
    assert theirs != mine
    assert _ask(ledger, "SELECT pg_backend_pid()") == mine


def test_times_are_utc_whatever_the_server_thinks(ledger_url: str) -> None:
    name = make_url(ledger_url).database
    with psycopg.connect(ledger_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} SET timezone = 'Asia/Kathmandu'")
        fresh = open_ledger(ledger_url)
        receipt_id = received(fresh)
        with fresh.session() as session:
            when = get_receipt(receipt_id, session=session).received_at
        fresh.close()
        connection.execute(f"ALTER DATABASE {name} RESET timezone")
    assert when.tzinfo is dt.UTC
