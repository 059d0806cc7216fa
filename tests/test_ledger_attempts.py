"""One attempt holds a receipt at a time, the fence keeps all others out, and crashes count once each."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest
from ledger_helpers import (
    EXTRACTION,
    OTHER_PROCESS,
    PROCESS,
    SHA256,
    alive,
    begun,
    claimed,
    expensed,
    gone,
    race,
    received,
    some_fields,
    state_of,
)
from sqlmodel import Session, select

from flows.ledger.database import Ledger
from flows.ledger.errors import FencedError, ReceiptNotFoundError
from flows.ledger.receipts import (
    begin_attempt,
    claim_content,
    delete_receipt,
    find_running,
    get_receipt,
    heartbeat,
    hold,
    note_crash,
    note_progress,
    record_expense,
    record_quarantine,
    record_review,
    release,
    show_receipt,
    supersede,
    waiting_for_submission,
)
from flows.ledger.schema import Content, Expense, ExpenseLine, ExtractionRow, Notification, Receipt, State, StateChange
from flows.ledger.values import AlreadyFinal, Attempt, Busy, ProcessLease


def test_beginning_makes_it_running_and_is_in_the_history(ledger: Ledger) -> None:
    receipt_id = received(ledger)
    attempt = begun(ledger, receipt_id)
    with ledger.session() as session:
        shown = show_receipt(receipt_id, session=session)
    assert (attempt.number, shown.state, shown.attempt) == (1, State.RUNNING, 1)
    assert shown.started_at is not None
    last = shown.history[-1]
    assert (last.to_state, last.attempt, last.flow_run_id) == (State.RUNNING, 1, attempt.flow_run_id)


def test_of_sixteen_flow_runs_at_once_one_gets_the_receipt(ledger: Ledger) -> None:
    receipt_id = received(ledger)

    def begin() -> Attempt | AlreadyFinal | Busy:
        with ledger.session() as session:
            return begin_attempt(receipt_id, uuid4(), PROCESS, process_is_gone=alive, session=session)

    answers = race([begin] * 16)
    assert sum(isinstance(answer, Attempt) for answer in answers) == 1
    assert sum(isinstance(answer, Busy) for answer in answers) == 15


def test_the_same_flow_run_resumes_with_a_new_number_and_what_was_claimed(ledger: Ledger) -> None:
    first = claimed(ledger)
    second = begun(ledger, first.receipt_id, first.flow_run_id)
    assert (second.number, second.sha256, second.received_at) == (2, SHA256, first.received_at)


def test_another_flow_run_takes_over_only_from_the_gone(ledger: Ledger) -> None:
    first = begun(ledger, received(ledger))
    seen: list[ProcessLease] = []

    def ask(lease: ProcessLease) -> bool:
        seen.append(lease)
        return True

    with ledger.session() as session:
        busy = begin_attempt(first.receipt_id, uuid4(), OTHER_PROCESS, process_is_gone=alive, session=session)
        assert busy == Busy(first.receipt_id, first.flow_run_id, 1)
    second = begun(ledger, first.receipt_id, process_is_gone=ask)
    assert second.number == 2
    assert seen[0].process == PROCESS
    assert seen[0].silent_seconds >= 0


def test_a_receipt_that_does_not_exist_cannot_be_begun(ledger: Ledger) -> None:
    with pytest.raises(ReceiptNotFoundError), ledger.session() as session:
        begin_attempt(uuid4(), uuid4(), PROCESS, process_is_gone=alive, session=session)


def test_a_final_receipt_is_left_alone_unless_forced_and_forced_once(ledger: Ledger) -> None:
    done = expensed(ledger)
    with ledger.session() as session:
        answer = begin_attempt(done.receipt_id, uuid4(), PROCESS, process_is_gone=alive, session=session)
        assert answer == AlreadyFinal(done.receipt_id, State.EXPENSED, None, unsent=1)
    forced = begun(ledger, done.receipt_id, force=True)
    with ledger.session() as session:
        record_expense(forced, some_fields(), EXTRACTION, session=session)
    with ledger.session() as session:
        resumed = begin_attempt(
            done.receipt_id, forced.flow_run_id, PROCESS, process_is_gone=alive, force=True, session=session
        )
    assert isinstance(resumed, AlreadyFinal)


WRITES: dict[str, Callable[[Attempt, Session], object]] = {
    "claim": lambda attempt, session: claim_content(attempt, SHA256, session=session),
    "progress": lambda attempt, session: note_progress(attempt, "extract_text", session=session),
    "expense": lambda attempt, session: record_expense(attempt, some_fields(), EXTRACTION, session=session),
    "review": lambda attempt, session: record_review(attempt, some_fields(), EXTRACTION, session=session),
    "quarantine": lambda attempt, session: record_quarantine(attempt, "broken", session=session),
    "release": lambda attempt, session: release(attempt, "given back", session=session),
}
AFTER: dict[str, Callable[[Ledger, Attempt], object]] = {
    "resumed": lambda ledger, attempt: begun(ledger, attempt.receipt_id, attempt.flow_run_id),
    "taken over": lambda ledger, attempt: begun(ledger, attempt.receipt_id, process_is_gone=gone),
    "quarantined": lambda ledger, attempt: _do(
        ledger, lambda session: supersede(attempt.receipt_id, "replaced", session=session)
    ),
    "held": lambda ledger, attempt: _do(ledger, lambda session: hold(attempt.receipt_id, "cancelled", session=session)),
    "deleted": lambda ledger, attempt: _do(ledger, lambda session: _delete(attempt, session)),
}


def _delete(attempt: Attempt, session: Session) -> None:
    hold(attempt.receipt_id, "cancelled", session=session)  # one that is worked on cannot be deleted
    delete_receipt(attempt.receipt_id, "asked for", session=session)


def _do(ledger: Ledger, work: Callable[[Session], object]) -> None:
    with ledger.session() as session:
        work(session)


@pytest.mark.parametrize("after", AFTER)
def test_a_process_that_wakes_after_it_was_given_up_writes_nothing(ledger: Ledger, after: str) -> None:
    late = claimed(ledger)
    AFTER[after](ledger, late)
    before = _everything(ledger)
    for name, write in WRITES.items():
        if after == "quarantined" and name == "quarantine":
            continue  # it is there already, and a repeat changes nothing
        with pytest.raises(FencedError), ledger.session() as session:
            write(late, session)
    assert _everything(ledger) == before


def _everything(ledger: Ledger) -> list[object]:
    models = [Receipt, Content, ExtractionRow, Expense, ExpenseLine, Notification, StateChange]
    with ledger.session() as session:
        return [[row.model_dump() for row in session.exec(select(model))] for model in models]


def test_heartbeats_reach_only_what_is_still_held(ledger: Ledger) -> None:
    mine, lost, done = (
        begun(ledger, received(ledger)),
        begun(ledger, received(ledger, "anna/2")),
        expensed(ledger, "a/3"),
    )
    begun(ledger, lost.receipt_id, process_is_gone=gone)
    with ledger.session() as session:
        assert heartbeat([mine, lost, done], session=session) == {mine.receipt_id}
        assert heartbeat([], session=session) == frozenset()


def test_progress_resets_crashes_once_a_step(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))

    def crash_and_resume(attempt: Attempt) -> Attempt:
        with ledger.session() as session:
            note_crash(attempt.receipt_id, attempt.number, "killed", counts=True, session=session)
        return begun(ledger, attempt.receipt_id, attempt.flow_run_id)

    def progress(attempt: Attempt) -> None:
        with ledger.session() as session:
            note_progress(attempt, "extract_text/1", session=session)

    attempt = crash_and_resume(attempt)
    progress(attempt)
    assert _crashes(ledger, attempt) == 0
    attempt = crash_and_resume(attempt)
    progress(attempt)
    assert (_crashes(ledger, attempt), attempt.crash_reason) == (1, "killed")


def _crashes(ledger: Ledger, attempt: Attempt) -> int:
    with ledger.session() as session:
        return get_receipt(attempt.receipt_id, session=session).crashes


def test_a_crash_that_is_reported_twice_counts_once(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))

    def report(number: int, *, counts: bool = True) -> int:
        with ledger.session() as session:
            return note_crash(attempt.receipt_id, number, "segfault", counts=counts, session=session)

    assert [report(1), report(1)] == [1, 1]
    resumed = begun(ledger, attempt.receipt_id, attempt.flow_run_id)
    assert resumed.crashes == 1
    assert report(1) == 1, "the second report comes after the resume"
    assert report(2, counts=False) == 1, "the machine went down"
    assert report(2) == 1


def test_a_crash_that_is_reported_late_does_not_blame_the_attempt_that_followed(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    with ledger.session() as session:
        (running,) = find_running(session=session)
        assert running.process is not None
        pid = running.process.process.pid
        note_crash(attempt.receipt_id, 1, "segfault", counts=True, session=session, pid=pid + 1)
        assert get_receipt(attempt.receipt_id, session=session).crashes == 0
        note_crash(attempt.receipt_id, 1, "segfault", counts=True, session=session, pid=pid)
        assert get_receipt(attempt.receipt_id, session=session).crashes == 1


def test_after_a_crash_another_flow_run_need_not_wait(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    with ledger.session() as session:
        note_crash(attempt.receipt_id, 1, "killed", counts=True, session=session)
        assert [one.process for one in find_running(session=session)] == [None]
    assert begun(ledger, attempt.receipt_id, process_is_gone=alive).number == 2


def test_a_released_receipt_waits_for_a_new_flow_run(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    with ledger.session() as session:
        release(attempt, "the database was away too long", session=session)
        waiting = waiting_for_submission(session=session).items[0]
    assert (waiting.receipt_id, waiting.reopened) == (attempt.receipt_id, 1)


def test_a_held_receipt_waits_for_a_person_and_any_flow_run_of_theirs_may_begin_it(ledger: Ledger) -> None:
    attempt = begun(ledger, received(ledger))
    with ledger.session() as session:
        release(attempt, "cancelled", held=True, session=session)
        assert not waiting_for_submission(session=session)
        assert get_receipt(attempt.receipt_id, session=session).held
    begun(ledger, attempt.receipt_id)
    with ledger.session() as session:
        assert not get_receipt(attempt.receipt_id, session=session).held


def test_running_receipts_come_with_their_attempt_in_pages(ledger: Ledger) -> None:
    attempts = {begun(ledger, received(ledger, f"anna/{number}")).receipt_id for number in range(3)}
    with ledger.session() as session:
        first = find_running(limit=2, session=session)
        rest = find_running(limit=2, after=first[-1].receipt.id, session=session)
        assert {one.receipt.id for one in (*first, *rest)} == attempts
        held = [one.process.process for one in (*first, *rest) if one.process]
        assert held == [PROCESS] * 3
        for one in (*first, *rest):
            release(one.attempt, "its process is gone", session=session)
    assert {state_of(ledger, receipt_id) for receipt_id in attempts} == {"waiting"}
