"""The same purchase photographed twice is posted once, and the later photo is shown to a person, in any race."""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from ledger_helpers import EXTRACTION, begun, claimed, count, expensed, race, some_fields, state_of, until_waiting

from flows.ledger.database import Ledger
from flows.ledger.expenses import find_expenses
from flows.ledger.receipts import delete_receipt, record_expense, record_review, show_receipt
from flows.ledger.schema import NotificationKind, State
from flows.ledger.values import Attempt, Recorded, SamePurchase


def _record(ledger: Ledger, attempt: Attempt, **fields: Any) -> Recorded | SamePurchase:
    with ledger.session() as session:
        return record_expense(attempt, some_fields(**fields), EXTRACTION, session=session)


def _two(ledger: Ledger, first: dict[str, Any], second: dict[str, Any]) -> tuple[Attempt, Attempt]:
    """Two photos with these readings, recorded one after the other."""
    earlier = expensed(ledger, "anna/1", "aa" * 32, **first)
    later = claimed(ledger, "anna/2", "bb" * 32)
    _record(ledger, later, **second)
    return earlier, later


NOON, EVENING = dt.time(12, 5), dt.time(19, 30)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"merchant": "Markt am Eck"}, {"merchant": "MARKT  AM ECK GmbH"}),
        ({"merchant": "Markt am Eck"}, {"merchant": "Marktam Eck"}),
        ({"merchant": "Markt am Eck"}, {"merchant": "Maikt am Eck"}),
        ({"merchant": "Markt", "purchase_time": NOON}, {"merchant": "Bäckerei Huber", "purchase_time": NOON}),
        ({"merchant": "Markt", "receipt_number": "0042"}, {"merchant": "Huber", "receipt_number": "0042"}),
        ({"purchase_time": NOON}, {"purchase_time": EVENING}),  # a digit may be misread; a person looks
    ],
)
def test_the_later_photo_goes_to_review_and_names_the_earlier_one(
    ledger: Ledger, first: dict[str, Any], second: dict[str, Any]
) -> None:
    earlier, later = _two(ledger, first, second)
    with ledger.session() as session:
        shown = show_receipt(later.receipt_id, session=session)
        (expense,) = find_expenses(session=session)
    assert (shown.state, shown.reason_code, shown.same_purchase_as) == (
        State.REVIEW,
        "same_purchase",
        earlier.receipt_id,
    )
    assert shown.reason == f"It seems to be the same purchase as receipt {earlier.receipt_id}."
    assert expense.receipt_id == earlier.receipt_id
    assert [one.kind for one in shown.notifications] == [NotificationKind.NEEDS_REVIEW]
    assert len(shown.extractions) == 1, "what was read is kept, so that a person can post it"


@pytest.mark.parametrize(
    "other",
    [
        {"total": Decimal("12.51")},
        {"currency": "CHF"},
        {"purchase_date": dt.date(2026, 11, 21)},
        {"purchase_date": None},
        {"merchant": "Bäckerei Huber"},
        {"merchant": None},
        {"purchase_time": EVENING, "receipt_number": "0043"},
    ],
)
def test_another_purchase_is_posted(ledger: Ledger, other: dict[str, Any]) -> None:
    _, later = _two(ledger, {"purchase_time": NOON, "receipt_number": "0042"}, other)
    assert (state_of(ledger, later.receipt_id), count(ledger, "expenses")) == ("expensed", 2)


def test_other_owners_and_voided_expenses_are_no_same_purchase(ledger: Ledger) -> None:
    expensed(ledger, "bert/1", "aa" * 32)
    voided = expensed(ledger, "anna/1", "bb" * 32)
    again = begun(ledger, voided.receipt_id, force=True)
    with ledger.session() as session:
        record_review(again, some_fields(), EXTRACTION, reasons=["unsure"], session=session)
    expensed(ledger, "anna/2", "cc" * 32)
    assert count(ledger, "expenses") == 3


@pytest.mark.parametrize("photos", [2, 8])
def test_photos_at_once_cannot_pass_each_other(ledger: Ledger, photos: int) -> None:
    attempts = [claimed(ledger, f"anna/{number}", f"{number:064x}") for number in range(photos)]
    answers = race([lambda attempt=attempt: _record(ledger, attempt) for attempt in attempts])
    posted = [attempt for attempt, answer in zip(attempts, answers, strict=True) if isinstance(answer, Recorded)]
    assert len(posted) == 1
    assert answers.count(SamePurchase(posted[0].receipt_id)) == photos - 1
    assert count(ledger, "expenses") == 1


def test_a_repeat_by_the_same_attempt_gives_the_same_answer(ledger: Ledger) -> None:
    earlier, later = _two(ledger, {}, {})
    assert _record(ledger, later) == SamePurchase(earlier.receipt_id)
    assert count(ledger, "notifications") == 2


def test_reading_the_earlier_one_again_does_not_doubt_it(ledger: Ledger) -> None:
    earlier, _ = _two(ledger, {}, {})
    again = begun(ledger, earlier.receipt_id, force=True)
    assert isinstance(_record(ledger, again), Recorded)
    assert state_of(ledger, earlier.receipt_id) == "expensed"


def test_an_expense_that_is_read_again_as_another_purchase_goes_to_review(ledger: Ledger) -> None:
    _, later = _two(ledger, {}, {"total": Decimal("99.00")})
    again = begun(ledger, later.receipt_id, force=True)
    assert isinstance(_record(ledger, again), SamePurchase)
    assert state_of(ledger, later.receipt_id) == "review"


def test_when_the_earlier_one_was_deleted_the_later_one_can_be_posted(ledger: Ledger) -> None:
    earlier, later = _two(ledger, {}, {})
    with ledger.session() as session:
        delete_receipt(earlier.receipt_id, "by its owner", session=session)
        assert show_receipt(later.receipt_id, session=session).same_purchase_as is None
    assert isinstance(_record(ledger, begun(ledger, later.receipt_id, force=True)), Recorded)


def test_an_earlier_one_that_is_being_deleted_is_waited_for(ledger: Ledger) -> None:
    """Else the later one would name a receipt that is gone before it commits."""
    earlier, later = expensed(ledger, "anna/1", "aa" * 32), claimed(ledger, "anna/2", "bb" * 32)
    with ThreadPoolExecutor(1) as pool:
        with ledger.session() as session:
            delete_receipt(earlier.receipt_id, "by its owner", session=session)
            recording = pool.submit(_record, ledger, later)
            until_waiting(ledger, 1)
        assert isinstance(recording.result(), Recorded)
    assert state_of(ledger, later.receipt_id) == "expensed"
