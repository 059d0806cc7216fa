"""A decision whose process is killed between any two of its writes changes nothing, and can then be made."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count as numbers
from typing import Any

import psutil
import psycopg
import pytest
from ledger_helpers import EXTRACTION, begun, claimed, expensed, race, some_fields, state_of
from sqlalchemy import event

from flows.ledger.database import Ledger
from flows.ledger.decisions import Book, Decided, Decision, Dismiss, Join, Split, Undo, correct, decide, review_item
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.expenses import find_expenses
from flows.ledger.notifications import create_webhook
from flows.ledger.receipts import delete_receipt, record_expense, record_review
from flows.ledger.schema import DismissReason, NotificationKind, Via
from flows.ledger.values import Actor

ANNA, BERT = Actor("anna", Via.API), Actor("bert", Via.PAGE)
TABLES = (
    "contents",
    "corrections",
    "decisions",
    "expenses",
    "line_items",
    "notifications",
    "receipts",
    "state_changes",
)
DECISIONS: dict[str, Decision] = {
    "book": Book({"total": "19.46", "merchant": "Markt", "line_items/1/total": "4"}),
    "dismiss": Dismiss(DismissReason.NOT_MINE),
    "split": Split([{"total": "7.50"}, {"total": "5.00"}]),
    "undo": Undo(),
    "join": Join([]),  # with the page that the test makes
    "undo a join": Undo(),
}


@pytest.fixture
def beside(ledger_url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection outside all code under test."""
    with psycopg.connect(ledger_url.replace("+psycopg", ""), autocommit=True) as connection:
        yield connection


@contextmanager
def killed_at(ledger: Ledger, beside: psycopg.Connection[Any], statement: int) -> Iterator[None]:
    """The server ends the connection before its statement of this number, from 1, as it does when a process dies."""
    seen = numbers(1)

    def kill(connection: Any, *_arguments: object) -> None:
        if next(seen) == statement:
            pid = connection.connection.driver_connection.info.backend_pid
            beside.execute("SELECT pg_terminate_backend(%s)", [pid])
            while psutil.pid_exists(pid):  # PostgreSQL itself would look every 100 ms only
                time.sleep(0.001)

    engine = ledger._engine
    event.listen(engine, "before_cursor_execute", kill)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", kill)


def everything(beside: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """All that a decision can write."""
    return {name: sorted(map(str, beside.execute(f"TABLE {name}").fetchall())) for name in TABLES}


# SQLAlchemy's word for the savepoint that went with its connection.
@pytest.mark.filterwarnings("ignore:nested transaction already deassociated")
@pytest.mark.parametrize("name", DECISIONS)
def test_killed_between_any_two_writes_nothing_is_changed(
    ledger: Ledger, beside: psycopg.Connection[Any], name: str
) -> None:
    attempt = claimed(ledger)
    with ledger.session() as session:
        create_webhook("anna", "https://accounting.example", list(NotificationKind), session=session)
        fields = some_fields().model_copy(update={"decision": "review"})
        record_review(attempt, fields, EXTRACTION, session=session)
        if name == "undo":
            decide(attempt.receipt_id, DECISIONS["split"], ANNA, session=session)
    page = Join([expensed(ledger, "anna/2.jpg", "cd" * 32, total=3).receipt_id], {"total": "15.50"})
    wanted = page if name == "join" else DECISIONS[name]
    if name == "undo a join":
        with ledger.session() as session:
            decide(attempt.receipt_id, page, ANNA, session=session)
    before = everything(beside)
    killed = 0
    for statement in numbers(2):  # the first begins the transaction
        try:
            with killed_at(ledger, beside, statement), ledger.session() as session:
                decided = decide(attempt.receipt_id, wanted, ANNA, session=session)
        except LedgerUnavailableError:
            killed += 1
            assert everything(beside) == before
            continue
        break
    assert decided.changed
    assert killed >= 12
    assert everything(beside) != before


def test_whoever_decides_corrects_reads_and_deletes_at_once_leaves_one_of_their_words(ledger: Ledger) -> None:
    """No mixture of two decisions, no lost correction, no deadlock; a deletion wins over all."""
    for turn in range(6):
        receipt_id = expensed(ledger, f"anna/{turn}.jpg", f"{turn:064x}", total=turn + 1).receipt_id
        with ledger.session() as session:
            public_id = find_expenses(session=session, limit=1).items[0].public_id
        attempt = begun(ledger, receipt_id, force=True)
        works: list[Callable[[], object]] = [
            lambda r=receipt_id: _decided(ledger, r, Book({"tip": "1"})),  # type: ignore[misc]  # bound now
            lambda p=public_id: _corrected(ledger, p, "merchant", "Eins"),  # type: ignore[misc]  # bound now
            lambda p=public_id: _corrected(ledger, p, "notes", "Zwei"),  # type: ignore[misc]  # bound now
            lambda a=attempt, n=turn: _recorded(ledger, a, n),  # type: ignore[misc]  # bound now
        ]
        if turn % 2:
            _recorded(ledger, attempt, turn)
            works[3] = lambda r=receipt_id: _deleted(ledger, r)  # type: ignore[misc]  # bound now
        outcomes = race(works)
        assert not [one for one in outcomes if isinstance(one, LedgerUnavailableError)], outcomes
        if turn % 2:
            with ledger.session() as session:
                assert not [one for one in find_expenses(session=session) if one.public_id == public_id]
            continue
        assert not [one for one in outcomes if isinstance(one, Exception)], outcomes
        assert state_of(ledger, receipt_id) == "expensed"
        with ledger.session() as session:
            item = review_item(receipt_id, session=session)
        expense = item.expenses[0]
        assert (expense.tip, expense.merchant, expense.notes) == (1, "Eins", "Zwei")


def _decided(ledger: Ledger, receipt_id: Any, decision: Book) -> Decided:
    with ledger.session() as session:
        return decide(receipt_id, decision, ANNA, session=session)


def _corrected(ledger: Ledger, public_id: str, field: str, value: str) -> Decided:
    with ledger.session() as session:
        return correct(public_id, {field: value}, BERT, session=session)


def _recorded(ledger: Ledger, attempt: Any, turn: int) -> object:
    with ledger.session() as session:
        fields = some_fields(total=turn + 1, country="DE").model_copy(update={"parser_version": "2"})
        return record_expense(attempt, fields, EXTRACTION, session=session)


def _deleted(ledger: Ledger, receipt_id: Any) -> object:
    with ledger.session() as session:
        return delete_receipt(receipt_id, "asked for", session=session)
