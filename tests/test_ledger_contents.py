"""The same bytes from the same owner are held by one receipt, in any race and whatever becomes of that receipt."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from ledger_helpers import (
    EXTRACTION,
    SHA256,
    an_object,
    begun,
    claimed,
    count,
    duplicate,
    expensed,
    race,
    received,
    some_fields,
    state_of,
    until_waiting,
)
from sqlalchemy import text

from flows.ledger.database import Ledger
from flows.ledger.errors import WrongStateError
from flows.ledger.receipts import (
    claim_content,
    counts_by_state,
    delete_receipt,
    get_receipt,
    receipts_of_content,
    receive,
    record_expense,
    record_quarantine,
    reopen,
    show_receipt,
    supersede,
    unknown_objects,
)
from flows.ledger.schema import State
from flows.ledger.values import Attempt, Claimed, DuplicateOf


def _claim(ledger: Ledger, attempt: Attempt, sha256: str = SHA256) -> Claimed | DuplicateOf:
    with ledger.session() as session:
        return claim_content(attempt, sha256, size_bytes=7, media_type="image/jpeg", session=session)


def test_of_sixteen_claims_at_once_one_holds_and_the_others_are_its_duplicates(ledger: Ledger) -> None:
    attempts = [begun(ledger, received(ledger, f"anna/{number}")) for number in range(16)]

    def claim(attempt: Attempt) -> Callable[[], Claimed | DuplicateOf]:
        return lambda: _claim(ledger, attempt)

    claims = race([claim(attempt) for attempt in attempts])
    canonical = [
        attempt.receipt_id for attempt, claim in zip(attempts, claims, strict=True) if isinstance(claim, Claimed)
    ]
    assert len(canonical) == 1
    assert claims.count(DuplicateOf(canonical[0])) == 15
    assert count(ledger, "contents") == 1
    with ledger.session() as session:
        assert counts_by_state(session=session)[State.DUPLICATE] == 15


def test_a_repeated_claim_gives_the_same_answer(ledger: Ledger) -> None:
    first = claimed(ledger, "anna/1")
    second = duplicate(ledger, "anna/2")
    assert _claim(ledger, first) == _claim(ledger, first)
    assert _claim(ledger, second) == DuplicateOf(first.receipt_id)


def test_other_owners_and_other_bytes_are_other_contents(ledger: Ledger) -> None:
    claimed(ledger, "anna/1")
    claimed(ledger, "bert/1")
    claimed(ledger, "anna/2", "cd" * 32)
    assert count(ledger, "contents") == 3


def test_a_duplicate_says_of_what_and_why(ledger: Ledger) -> None:
    first = expensed(ledger, "anna/first.jpg")
    second = duplicate(ledger, "anna/second.jpg")
    with ledger.session() as session:
        shown = show_receipt(second.receipt_id, session=session)
    assert (shown.state, shown.duplicate_of, shown.sha256) == (State.DUPLICATE, first.receipt_id, SHA256)
    assert shown.reason == "the same content as anna/first.jpg"
    assert shown.expense is not None


def test_when_the_canonical_object_vanished_its_oldest_duplicate_is_read_instead(ledger: Ledger) -> None:
    first = claimed(ledger, "anna/1")
    successor, other = duplicate(ledger, "anna/2"), duplicate(ledger, "anna/3")
    with ledger.session() as session:
        assert supersede(first.receipt_id, "replaced before it was read", session=session)
        assert not supersede(first.receipt_id, "again", session=session)
        gone, waits, still = (get_receipt(one.receipt_id, session=session) for one in (first, successor, other))
    assert (gone.state, gone.reason_code) == (State.QUARANTINED, "superseded")
    assert (waits.state, waits.duplicate_of, waits.reopened) == (State.WAITING, None, 1)
    assert (still.state, still.duplicate_of) == (State.DUPLICATE, successor.receipt_id)
    resumed = begun(ledger, successor.receipt_id)
    assert isinstance(_claim(ledger, resumed), Claimed)
    with ledger.session() as session:
        assert record_expense(resumed, some_fields(), EXTRACTION, session=session).created


def test_when_the_canonical_object_vanished_and_nobody_waits_the_next_claim_holds(ledger: Ledger) -> None:
    first = claimed(ledger, "anna/1")
    with ledger.session() as session:
        supersede(first.receipt_id, "deleted before it was read", session=session)
    claimed(ledger, "anna/2")
    assert count(ledger, "contents") == 1


def test_claims_that_race_with_the_canonical_receipts_end_never_point_at_nothing(ledger: Ledger) -> None:
    for round_ in range(5):
        sha256 = f"{round_:064x}"
        first = claimed(ledger, f"anna/{round_}-1", sha256)
        others = [begun(ledger, received(ledger, f"anna/{round_}-{number}")) for number in range(2, 8)]

        def end(receipt_id: object = first.receipt_id) -> object:
            with ledger.session() as session:
                return supersede(receipt_id, "replaced", session=session)  # type: ignore[arg-type]

        answers = race([end, *(lambda one=one, sha256=sha256: _claim(ledger, one, sha256) for one in others)])
        assert not [answer for answer in answers if isinstance(answer, Exception)]
        with ledger.session() as session:
            views = [get_receipt(one.receipt_id, session=session) for one in others]
        open_ones = [one.id for one in views if one.state in {State.RUNNING, State.WAITING}]
        assert len(open_ones) == 1
        assert {one.duplicate_of for one in views if one.state is State.DUPLICATE} == {open_ones[0]}


@pytest.mark.parametrize("force", [False, True], ids=["reopened", "forced"])
def test_a_duplicate_that_is_retried_stays_a_duplicate_and_harms_nothing(ledger: Ledger, force: bool) -> None:
    first = expensed(ledger, "anna/1")
    second = duplicate(ledger, "anna/2")
    if not force:
        with ledger.session() as session:
            reopen(second.receipt_id, "by hand", session=session)
    again = begun(ledger, second.receipt_id, force=force)
    assert again.sha256 is None, "it must claim before it may record"
    with pytest.raises(WrongStateError), ledger.session() as session:
        record_expense(again, some_fields(), EXTRACTION, session=session)
    assert _claim(ledger, again) == DuplicateOf(first.receipt_id)
    assert (state_of(ledger, first.receipt_id), count(ledger, "expenses")) == ("expensed", 1)


def test_quarantining_a_duplicate_that_is_read_again_leaves_the_others_expense(ledger: Ledger) -> None:
    expensed(ledger, "anna/1")
    again = begun(ledger, duplicate(ledger, "anna/2").receipt_id, force=True)
    with ledger.session() as session:
        record_quarantine(again, "broken", session=session)
    assert count(ledger, "expenses") == 1


def _end_without_object(ledger: Ledger, attempt: Attempt) -> None:
    with ledger.session() as session:
        record_quarantine(attempt, "no longer in the bucket", code="ObjectGone", session=session)


def test_a_canonical_receipt_whose_object_vanished_passes_its_content_on(ledger: Ledger) -> None:
    first = claimed(ledger, "anna/1")
    heir, other = duplicate(ledger, "anna/2"), duplicate(ledger, "anna/3")
    for _ in range(2):  # the answer may have been lost on the way
        _end_without_object(ledger, first)
    with ledger.session() as session:
        waits, still = (get_receipt(one.receipt_id, session=session) for one in (heir, other))
    assert (waits.state, waits.reopened) == (State.WAITING, 1)
    assert still.duplicate_of == heir.receipt_id
    assert isinstance(_claim(ledger, begun(ledger, heir.receipt_id)), Claimed)


def test_without_a_duplicate_the_next_claim_of_a_vanished_receipts_content_gets_it(ledger: Ledger) -> None:
    _end_without_object(ledger, claimed(ledger, "anna/1"))
    with ledger.session() as session:
        assert receipts_of_content("anna", [SHA256], session=session) == {}, "so the gateway stores the bytes again"
    claimed(ledger, "anna/2")
    assert count(ledger, "contents") == 1


def test_a_vanished_receipts_expense_goes_to_the_receipt_that_is_read_in_its_place(ledger: Ledger) -> None:
    first = expensed(ledger, "anna/1")
    heir = duplicate(ledger, "anna/2")
    _end_without_object(ledger, begun(ledger, first.receipt_id, force=True))
    resumed = begun(ledger, heir.receipt_id)
    assert isinstance(_claim(ledger, resumed), Claimed)
    with ledger.session() as session:
        record_expense(resumed, some_fields(), EXTRACTION, session=session)
        assert show_receipt(heir.receipt_id, session=session).expense is not None
    assert count(ledger, "expenses") == 1


@pytest.mark.parametrize("end", ["supersede", "quarantine"])
def test_a_receipt_whose_object_came_back_is_read_again_when_it_is_retried(ledger: Ledger, end: str) -> None:
    first = claimed(ledger, "anna/1")
    if end == "supersede":
        with ledger.session() as session:
            supersede(first.receipt_id, "replaced", session=session)
    else:
        _end_without_object(ledger, first)
    with ledger.session() as session:
        reopen(first.receipt_id, "by hand", session=session)
    again = begun(ledger, first.receipt_id)
    assert again.sha256 is None, "it must claim before it may record"
    assert isinstance(_claim(ledger, again), Claimed)
    with ledger.session() as session:
        assert record_expense(again, some_fields(), EXTRACTION, session=session).created


def test_an_object_that_is_put_back_under_its_key_is_read(ledger: Ledger) -> None:
    """A bucket without versions names it as before: key and ETag are the same."""
    gone = claimed(ledger, "anna/1")
    _end_without_object(ledger, gone)
    with ledger.session() as session:
        assert unknown_objects([an_object("anna/1")], session=session) != [], "so the sweep receives it"
        reception = receive(an_object("anna/1"), session=session)
        assert (reception.receipt_id, reception.created) == (gone.receipt_id, False)
        assert (reception.state, reception.submitted, reception.reopened) == (State.WAITING, False, 1)
        assert unknown_objects([an_object("anna/1")], session=session) == []
    assert isinstance(_claim(ledger, begun(ledger, gone.receipt_id)), Claimed)


def test_deleting_a_content_takes_along_receipts_of_it_whose_object_vanished(ledger: Ledger) -> None:
    vanished = claimed(ledger, "anna/1")
    _end_without_object(ledger, vanished)
    holder = expensed(ledger, "anna/2")
    with ledger.session() as session:
        delete_receipt(holder.receipt_id, "by its owner", session=session)
    assert (count(ledger, "receipts"), count(ledger, "contents")) == (0, 0)


def test_deleting_the_last_receipt_of_a_content_that_nobody_owns_deletes_the_content(ledger: Ledger) -> None:
    vanished = expensed(ledger, "anna/1")
    _end_without_object(ledger, begun(ledger, vanished.receipt_id, force=True))
    with ledger.session() as session:
        deletion = delete_receipt(vanished.receipt_id, "by its owner", session=session)
    assert deletion.results_sha256 == SHA256
    tables = ("receipts", "contents", "extractions", "expenses")
    assert [count(ledger, table) for table in tables] == [0] * len(tables)


def test_a_receipt_that_is_claimed_meanwhile_is_not_held_while_its_content_is_waited_for(ledger: Ledger) -> None:
    """Whoever has the content may wait for the receipt: neither would ever get both."""
    attempt = begun(ledger, received(ledger))
    claimed(ledger, "anna/2.jpg")

    def close() -> bool:
        with ledger.session() as session:
            return supersede(attempt.receipt_id, "replaced", session=session)

    def in_order() -> None:
        with ledger.session() as session:
            session.execute(text("SELECT 1 FROM contents FOR NO KEY UPDATE"))
            time.sleep(0.5)  # so that the other one is at the content by now
            session.execute(text("SELECT 1 FROM receipts FOR NO KEY UPDATE"))

    with ThreadPoolExecutor(2) as pool:
        with ledger.session() as session:
            claim_content(attempt, SHA256, session=session)
            closing = pool.submit(close)
            until_waiting(ledger, 1)  # for the receipt, of which it does not know that it has a content
            locking = pool.submit(in_order)
            until_waiting(ledger, 2)
        locking.result()
        assert closing.result() is False, "it is a duplicate by now"
