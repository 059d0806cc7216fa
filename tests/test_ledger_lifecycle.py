"""People's hands on a receipt: what is held stays, what is reopened starts anew, what is deleted leaves no content."""

from __future__ import annotations

import pytest
from ledger_helpers import (
    EXTRACTION,
    begun,
    claimed,
    count,
    duplicate,
    expensed,
    gone,
    race,
    received,
    some_fields,
    state_of,
)

from flows.ledger.database import Ledger
from flows.ledger.errors import WrongStateError
from flows.ledger.receipts import (
    delete_receipt,
    detach_run,
    history,
    hold,
    note_crash,
    record_quarantine,
    record_review,
    reopen,
    show_receipt,
    waiting_for_submission,
)
from flows.ledger.schema import State


@pytest.mark.parametrize("running", [False, True])
def test_a_held_receipt_is_out_of_the_sweeps_reach_until_it_is_reopened(ledger: Ledger, running: bool) -> None:
    receipt_id = received(ledger)
    if running:
        begun(ledger, receipt_id)
    with ledger.session() as session:
        assert hold(receipt_id, "cancelled in the UI", session=session)
        assert hold(receipt_id, "again", session=session)
        shown = show_receipt(receipt_id, session=session)
        assert (shown.state, shown.held, shown.reopened) == (State.WAITING, True, 1)
        assert not waiting_for_submission(session=session)
        assert reopen(receipt_id, "by hand", session=session).reopened == 2
        assert len(waiting_for_submission(session=session)) == 1


def test_cancelling_an_old_flow_run_does_not_stop_a_newer_one(ledger: Ledger) -> None:
    old = begun(ledger, received(ledger))
    begun(ledger, old.receipt_id, process_is_gone=gone)
    with ledger.session() as session:
        assert not hold(old.receipt_id, "cancelled", flow_run_id=old.flow_run_id, session=session)
    assert state_of(ledger, old.receipt_id) == "running"


def test_a_lost_run_is_detached_once_however_many_recover_it(ledger: Ledger) -> None:
    lost = begun(ledger, received(ledger))

    def forget() -> bool:
        with ledger.session() as session:
            return detach_run(lost.receipt_id, "lost", flow_run_id=lost.flow_run_id, session=session)

    assert sorted(race([forget] * 8)) == [False] * 7 + [True]
    with ledger.session() as session:
        assert waiting_for_submission(session=session).items[0].reopened == 1
    late = expensed(ledger, "anna/2")
    held = received(ledger, "anna/3")
    with ledger.session() as session:
        assert not detach_run(late.receipt_id, "lost", session=session)
        hold(held, "cancelled", session=session)
        assert not detach_run(held, "lost", session=session)


def test_what_is_final_is_not_held(ledger: Ledger) -> None:
    done = expensed(ledger)
    with ledger.session() as session:
        assert not hold(done.receipt_id, "too late", session=session)
    assert state_of(ledger, done.receipt_id) == "expensed"


def test_reopening_resets_crashes_and_keeps_the_content(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    with ledger.session() as session:
        note_crash(attempt.receipt_id, attempt.number, "killed", counts=True, session=session)
        record_quarantine(attempt, "kills its process", session=session)
        reopen(attempt.receipt_id, "converted by hand", session=session)
    again = begun(ledger, attempt.receipt_id)
    assert (again.crashes, again.number, again.sha256) == (0, 2, attempt.sha256 or again.sha256)


def test_what_is_worked_on_cannot_be_reopened(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    with pytest.raises(WrongStateError, match="cancel"), ledger.session() as session:
        reopen(attempt.receipt_id, "impatient", session=session)


def test_deleting_leaves_an_audit_line_and_nothing_else(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    with ledger.session() as session:
        deletion = delete_receipt(attempt.receipt_id, "asked for by its owner", owner="anna", session=session)
    assert [one.key for one in deletion.objects] == ["anna/1.jpg"]
    assert deletion.results_sha256 == "ab" * 32
    tables = ("receipts", "contents", "extractions", "expenses", "line_items", "expense_taxes", "notifications")
    assert [count(ledger, table) for table in tables] == [0] * len(tables)
    with ledger.session() as session:
        last = history(attempt.receipt_id, session=session)[-1]
    assert (last.from_state, last.to_state, last.reason) == (State.EXPENSED, None, "asked for by its owner")


def test_what_a_process_works_on_cannot_be_deleted_however_late_it_began(ledger: Ledger) -> None:
    attempt = expensed(ledger, "anna/1")
    twin = duplicate(ledger, "anna/2")
    for one in (attempt, twin):
        begun(ledger, one.receipt_id, force=True)
        with pytest.raises(WrongStateError, match="wait for its end"), ledger.session() as session:
            delete_receipt(attempt.receipt_id, "asked for", session=session)
        with ledger.session() as session:
            hold(one.receipt_id, "cancelled", session=session)
    with ledger.session() as session:
        delete_receipt(attempt.receipt_id, "asked for", session=session)


def test_the_audit_of_a_deleted_receipt_tells_no_content(ledger: Ledger) -> None:
    """Reasons name amounts and the files of others: who read what when stays, what it was does not."""
    attempt = claimed(ledger, "anna/secret-name.jpg")
    twin = duplicate(ledger, "anna/2")
    with ledger.session() as session:
        record_review(attempt, some_fields(), EXTRACTION, reasons=["19.46 or 19.16?"], session=session)
        reopen(attempt.receipt_id, "again", session=session)
    again = begun(ledger, attempt.receipt_id)
    with ledger.session() as session:
        record_quarantine(again, "Markt am Eck", session=session)
        deletion = delete_receipt(attempt.receipt_id, "asked for", session=session)
        lines = [*history(attempt.receipt_id, session=session), *history(twin.receipt_id, session=session)]
    assert {line.reason for line in lines} == {None, "asked for"}
    assert len(lines) == 11
    assert set(deletion.flow_run_ids) == {attempt.flow_run_id, twin.flow_run_id, again.flow_run_id}


def test_deleting_a_duplicate_leaves_the_expense(ledger: Ledger) -> None:
    first = expensed(ledger, "anna/1")
    second = duplicate(ledger, "anna/2")
    with ledger.session() as session:
        deletion = delete_receipt(second.receipt_id, "twice", session=session)
    assert ([one.key for one in deletion.objects], deletion.results_sha256) == (["anna/2"], None)
    assert (state_of(ledger, first.receipt_id), count(ledger, "expenses")) == ("expensed", 1)


def test_deleting_the_canonical_receipt_deletes_its_duplicates(ledger: Ledger) -> None:
    first = expensed(ledger, "anna/1")
    duplicate(ledger, "anna/2")
    with ledger.session() as session:
        deletion = delete_receipt(first.receipt_id, "away with it", session=session)
    assert {one.key for one in deletion.objects} == {"anna/1", "anna/2"}
    assert (count(ledger, "receipts"), count(ledger, "contents")) == (0, 0)


def test_results_that_another_owner_needs_are_not_named_for_removal(ledger: Ledger) -> None:
    first = expensed(ledger, "anna/1")
    expensed(ledger, "bert/1")
    with ledger.session() as session:
        assert delete_receipt(first.receipt_id, "mine only", session=session).results_sha256 is None
    assert count(ledger, "expenses") == 1
