"""A receipt ends in one state with all of its rows or none: once, however often it is recorded or cut off."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import psycopg
import pytest
from ledger_helpers import (
    EXTRACTION,
    SHA256,
    begun,
    claimed,
    count,
    expensed,
    found,
    race,
    received,
    some_fields,
    state_of,
)

from flows.domain.errors import UnsureError
from flows.domain.fields import LineItem
from flows.domain.public_ids import expense_id
from flows.ledger.database import Ledger
from flows.ledger.errors import LedgerUnavailableError, WrongStateError
from flows.ledger.expenses import find_expenses
from flows.ledger.receipts import (
    delete_receipt,
    record_expense,
    record_quarantine,
    record_review,
    resolve,
    show_receipt,
)
from flows.ledger.schema import NotificationKind, State
from flows.ledger.values import Attempt, Extraction, Recorded


def _record(ledger: Ledger, attempt: Attempt, **fields: object) -> Recorded:
    with ledger.session() as session:
        return record_expense(attempt, some_fields(**fields), EXTRACTION, session=session)


def test_an_expense_is_posted_with_its_lines_taxes_extraction_and_notification(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    with ledger.session() as session:
        shown = show_receipt(attempt.receipt_id, session=session)
    assert shown.state is State.EXPENSED
    assert shown.finished_at is not None
    assert shown.expense is not None
    assert (shown.expense.total, shown.expense.currency, shown.expense.merchant) == (
        Decimal("12.50"),
        "EUR",
        "Markt am Eck",
    )
    assert (shown.expense.purchase_date, shown.expense.payment_method) == (dt.date(2026, 11, 20), "card")
    assert [(line.position, line.description, line.total) for line in shown.line_items] == [
        (1, "Brot", Decimal("4.50")),
        (2, "Käse", None),
    ]
    assert [(tax.rate, tax.amount) for tax in shown.taxes] == [(Decimal(19), Decimal("2.00"))]
    assert [(one.engine, one.parser_version, one.words_key) for one in shown.extractions] == [
        ("tesseract", "1", EXTRACTION.words_key)
    ]
    sent = shown.notifications[0]
    assert (sent.kind, sent.channel, sent.payload["total"]) == (NotificationKind.EXPENSE_READY, "owner", "12.50")


@pytest.mark.parametrize("total", ["0.1", "12.345678901234567890123", "-3.00", "123456789012345678.99", "1500"])
def test_money_comes_back_to_the_last_digit(ledger: Ledger, total: str) -> None:
    expensed(ledger, total=Decimal(total))
    with ledger.session() as session:
        assert str(find_expenses(session=session).items[0].total) == total


def test_recording_twice_or_sixteen_times_at_once_is_one_row_of_each(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    answers = race([lambda: _record(ledger, attempt)] * 16)
    assert sum(answer.created for answer in answers) == 1
    assert len({answer.expense_id for answer in answers}) == 1
    assert not _record(ledger, attempt).created
    rows = {table: count(ledger, table) for table in ("expenses", "line_items", "extractions", "notifications")}
    assert rows == {"expenses": 1, "line_items": 2, "extractions": 1, "notifications": 1}
    assert count(ledger, "state_changes") == 3


def test_reading_again_replaces_the_expense_and_keeps_both_readings(ledger: Ledger) -> None:
    first = expensed(ledger)
    again = begun(ledger, first.receipt_id, force=True)
    fields = some_fields(total=Decimal("99.00")).model_copy(
        update={"parser_version": "2", "line_items": (found(LineItem(description="Wein")),), "taxes": ()}
    )
    with ledger.session() as session:
        assert not record_expense(again, fields, EXTRACTION, session=session).created
        shown = show_receipt(first.receipt_id, session=session)
    assert shown.expense is not None
    assert (shown.expense.total, shown.expense.revision) == (Decimal("99.00"), 2)
    assert ([line.description for line in shown.line_items], shown.taxes) == (["Wein"], ())
    assert [one.parser_version for one in shown.extractions] == ["1", "2"]
    told = [(one.kind, one.revision, one.payload["total"]) for one in shown.notifications]
    assert told == [(NotificationKind.EXPENSE_READY, 1, "12.50"), (NotificationKind.EXPENSE_UPDATED, 2, "99.00")]
    assert {one.payload["expense_id"] for one in shown.notifications} == {shown.expense.public_id}


def test_reading_the_same_again_is_no_revision_and_no_news(ledger: Ledger) -> None:
    first = expensed(ledger)
    again = begun(ledger, first.receipt_id, force=True)
    with ledger.session() as session:
        fields = some_fields(total=Decimal("12.5")).model_copy(update={"parser_version": "2"})
        assert not record_expense(again, fields, EXTRACTION, session=session).created
        shown = show_receipt(first.receipt_id, session=session)
    assert shown.expense is not None
    assert (shown.expense.revision, len(shown.notifications)) == (1, 1)
    assert shown.expense.extraction_id == shown.extractions[-1].id


def test_a_line_that_is_read_otherwise_is_a_revision(ledger: Ledger) -> None:
    first = expensed(ledger)
    again = begun(ledger, first.receipt_id, force=True)
    with ledger.session() as session:
        fields = some_fields().model_copy(update={"line_items": (found(LineItem(description="Wein")),)})
        record_expense(again, fields, EXTRACTION, session=session)
        shown = show_receipt(first.receipt_id, session=session)
    assert shown.expense is not None
    assert (shown.expense.revision, len(shown.notifications)) == (2, 2)


def test_an_expense_has_the_same_id_in_a_ledger_that_was_made_again(ledger: Ledger) -> None:
    def its_id(key: str) -> str:
        attempt = expensed(ledger, key)
        with ledger.session() as session:
            expense = show_receipt(attempt.receipt_id, session=session).expense
            assert expense is not None
            assert resolve(expense.public_id, session=session) == attempt.receipt_id
            assert expense.public_id == expense_id("anna", SHA256)
            delete_receipt(attempt.receipt_id, "by its owner", session=session)
        return expense.public_id

    assert its_id("anna/1.jpg") == its_id("anna/2.jpg")
    assert expense_id("anna", SHA256) != expense_id("bert", SHA256)


def test_without_a_total_nothing_is_posted(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    with pytest.raises(UnsureError, match="total"):
        _record(ledger, attempt, total=None)
    assert (state_of(ledger, attempt.receipt_id), count(ledger, "expenses")) == ("running", 0)


def test_characters_that_postgresql_cannot_hold_do_not_stop_a_receipt(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    _record(ledger, attempt, merchant="Cafe\x00 \U0001f600 \ud7ff")
    with ledger.session() as session:
        assert find_expenses(session=session).items[0].merchant == "Cafe\ufffd \U0001f600 \ud7ff"


def test_review_keeps_what_was_read_and_says_what_to_do(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    fields = some_fields(total=None).model_copy(update={"reasons": ("no total was found", "the date is unsure")})
    for _ in range(2):
        with ledger.session() as session:
            record_review(attempt, fields, EXTRACTION, session=session)
    with ledger.session() as session:
        shown = show_receipt(attempt.receipt_id, session=session)
    assert (shown.state, shown.reason, shown.reason_code) == (
        State.REVIEW,
        "no total was found; the date is unsure",
        "unsure",
    )
    assert (shown.expense, len(shown.extractions), len(shown.notifications)) == (None, 1, 1)
    assert shown.notifications[0].payload["reasons"] == ["no total was found", "the date is unsure"]


def test_review_of_a_picture_without_text_needs_no_fields(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    with ledger.session() as session:
        record_review(attempt, None, None, reasons=["no text"], code="no_text", session=session)
    assert state_of(ledger, attempt.receipt_id) == "review"


def test_an_expense_that_a_later_reading_doubts_is_voided_and_comes_back_under_its_id(ledger: Ledger) -> None:
    first = expensed(ledger)
    again = begun(ledger, first.receipt_id, force=True)
    with ledger.session() as session:
        record_review(again, some_fields(), EXTRACTION, reasons=["unsure now"], session=session)
        shown = show_receipt(first.receipt_id, session=session)
        assert (shown.expense, find_expenses(session=session).items) == (None, ())
        (voided,) = find_expenses(voided=True, session=session)
    assert (voided.revision, voided.void_reason, voided.total) == (2, "unsure now", Decimal("12.50"))
    assert voided.voided_at is not None
    assert (count(ledger, "expenses"), count(ledger, "line_items"), count(ledger, "extractions")) == (1, 2, 1)
    third = begun(ledger, first.receipt_id, force=True)
    with ledger.session() as session:
        assert not record_expense(third, some_fields(), EXTRACTION, session=session).created
        shown = show_receipt(first.receipt_id, session=session)
    assert shown.expense is not None
    assert (shown.expense.public_id, shown.expense.revision, shown.expense.voided_at) == (voided.public_id, 3, None)
    assert {(one.kind.value, one.revision, one.payload["expense_id"] is None) for one in shown.notifications} == {
        ("expense.ready", 1, False),
        ("expense.voided", 2, False),
        ("receipt.needs_review", 2, True),
        ("expense.ready", 3, False),
    }


def test_a_second_review_for_the_same_expense_tells_nobody_again(ledger: Ledger) -> None:
    first = claimed(ledger)
    for attempt in (first, None):
        again = attempt or begun(ledger, first.receipt_id, force=True)
        with ledger.session() as session:
            record_review(again, some_fields(), EXTRACTION, reasons=["unsure"], session=session)
    assert count(ledger, "notifications") == 1


def test_quarantine_happens_once_with_its_reason(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    for _ in range(2):
        with ledger.session() as session:
            record_quarantine(attempt, "the file is cut off", session=session)
    with ledger.session() as session:
        shown = show_receipt(attempt.receipt_id, session=session)
    assert (shown.state, shown.reason, shown.reason_code) == (State.QUARANTINED, "the file is cut off", "unreadable")
    assert [one.kind for one in shown.notifications] == [NotificationKind.QUARANTINED]


def test_only_the_canonical_receipt_of_a_content_records_for_it(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    with pytest.raises(WrongStateError, match="claim"):
        _record(ledger, attempt)
    with pytest.raises(WrongStateError), ledger.session() as session:
        record_review(attempt, some_fields(), EXTRACTION, session=session)


def test_extractions_are_kept_per_engine_and_replaced_within(ledger: Ledger) -> None:
    attempt, kept = claimed(ledger), []
    for extraction in (EXTRACTION, EXTRACTION, Extraction("rapidocr", "3")):
        with ledger.session() as session:
            record_review(attempt, some_fields(), extraction, session=session)
            kept.append({one.id for one in show_receipt(attempt.receipt_id, session=session).extractions})
        attempt = begun(ledger, attempt.receipt_id, force=True)
    assert kept[0] == kept[1] < kept[2]
    assert count(ledger, "extractions") == 2


@pytest.mark.parametrize(
    "table", ["extractions", "expenses", "line_items", "receipts", "state_changes", "notifications"]
)
def test_a_connection_killed_at_any_statement_leaves_nothing_half_written(
    ledger: Ledger, ledger_url: str, table: str
) -> None:
    attempt = claimed(ledger)
    # A trigger is the surest way to be killed right behind the statement of one's choice.
    with psycopg.connect(ledger_url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(_KILLER.format(table=table))
        try:
            with pytest.raises(LedgerUnavailableError):
                _record(ledger, attempt)
        finally:
            connection.execute(f"DROP TRIGGER killer ON {table}")
    rows = [count(ledger, one) for one in ("extractions", "expenses", "line_items", "notifications")]
    assert (rows, state_of(ledger, attempt.receipt_id)) == ([0, 0, 0, 0], "running")
    assert _record(ledger, attempt).created


_KILLER = """
    CREATE OR REPLACE FUNCTION kill() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
    CREATE TRIGGER killer AFTER INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION kill()
"""
