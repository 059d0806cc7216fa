"""Lists come in stable pages, references find one receipt or say why not, and no owner sees another's."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_helpers import an_object, expensed, received

from flows.ledger.database import Ledger
from flows.ledger.errors import AmbiguousReferenceError, InvalidReferenceError, ReceiptNotFoundError
from flows.ledger.expenses import all_expenses, find_expenses
from flows.ledger.pagination import read_cursor, write_cursor
from flows.ledger.receipts import (
    counts_by_state,
    delete_receipt,
    get_receipt,
    list_receipts,
    read_receipts,
    receive,
    receive_many,
    resolve,
    show_receipt,
    walk_receipts,
)
from flows.ledger.schema import State


def test_receipts_come_newest_first_in_pages_that_new_arrivals_do_not_shift(ledger: Ledger) -> None:
    ids = [received(ledger, f"anna/{number}") for number in range(5)]
    received(ledger, "bert/1")
    with ledger.session() as session:
        first = list_receipts(owner="anna", limit=2, session=session)
    received(ledger, "anna/later")
    with ledger.session() as session:
        second = list_receipts(owner="anna", limit=2, after=first.next, session=session)
        third = list_receipts(owner="anna", limit=2, after=second.next, session=session)
    assert [one.id for page in (first, second, third) for one in page] == ids[::-1]
    assert third.next is None


def test_receipts_of_one_transaction_share_a_time_and_still_page_completely(ledger: Ledger) -> None:
    with ledger.session() as session:
        receive_many([an_object(f"anna/{number}") for number in range(25)], session=session)
    seen, after = [], None
    while True:
        with ledger.session() as session:
            page = list_receipts(limit=10, after=after, session=session)
        seen += [one.id for one in page]
        if (after := page.next) is None:
            break
    assert len(seen) == len(set(seen)) == 25


def test_states_filter_and_are_counted(ledger: Ledger) -> None:
    done = expensed(ledger, "anna/1")
    received(ledger, "anna/2")
    received(ledger, "bert/1")
    with ledger.session() as session:
        assert [one.id for one in list_receipts(states=[State.EXPENSED], session=session)] == [done.receipt_id]
        counts = counts_by_state(session=session)
        assert {state: n for state, n in counts.items() if n} == {State.EXPENSED: 1, State.WAITING: 2}
        assert set(counts) == set(State)
        assert counts_by_state(owner="bert", session=session)[State.WAITING] == 1


EXPENSES = [
    {"merchant": "Aldi Süd", "purchase_date": dt.date(2026, 1, 1), "total": Decimal("1.00"), "currency": "EUR"},
    {"merchant": "ALDI 100%", "purchase_date": dt.date(2026, 1, 2), "total": Decimal("20.00"), "currency": "CHF"},
    {"merchant": None, "purchase_date": None, "total": Decimal("3.00"), "currency": None},
]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, [2, 1, 0]),
        ({"since": dt.date(2026, 1, 2)}, [1]),
        ({"until": dt.date(2026, 1, 1)}, [0]),
        ({"merchant": "aldi"}, [1, 0]),
        ({"merchant": "0%"}, [1]),
        ({"merchant": "x%"}, []),
        ({"total_from": Decimal("3.00"), "total_to": Decimal("20")}, [2, 1]),
        ({"currency": "CHF"}, [1]),
        ({"owner": "bert"}, []),
        ({"owner": "anna", "limit": 1}, [2]),
    ],
)
def test_expenses_filter(ledger: Ledger, wanted: dict[str, Any], expected: list[int]) -> None:
    posted = [
        expensed(ledger, f"anna/{number}", f"{number:064x}", **fields).receipt_id
        for number, fields in enumerate(EXPENSES)
    ]
    with ledger.session() as session:
        found = [one.receipt_id for one in find_expenses(session=session, **wanted)]
        assert found == [posted[number] for number in expected]
        if not set(wanted) - {"owner"}:
            assert [one.receipt_id for one in all_expenses(session=session, page_size=2, **wanted)] == found


def test_a_reference_is_an_id_its_beginning_or_a_key(ledger: Ledger) -> None:
    receipt_id = received(ledger, "anna/1.jpg")
    received(ledger, "anna/2.jpg")
    with ledger.session() as session:
        for reference in (str(receipt_id), receipt_id.hex, str(receipt_id)[:12], "anna/1.jpg"):
            assert show_receipt(reference, session=session).id == receipt_id


def test_a_key_means_its_last_version_and_a_key_in_two_buckets_is_ambiguous(ledger: Ledger) -> None:
    received(ledger, "anna/1", etag="old")
    newest = received(ledger, "anna/1", etag="new")
    with ledger.session() as session:
        assert resolve("anna/1", session=session) == newest
    received(ledger, "anna/1", bucket="archive")
    with pytest.raises(AmbiguousReferenceError, match="give the whole id"), ledger.session() as session:
        resolve("anna/1", session=session)


def test_a_beginning_of_several_ids_lists_them(ledger: Ledger) -> None:
    # 17 ids share a first digit; prefixes need four, so make many enough that some share four.
    with ledger.session() as session:
        receptions = receive_many([an_object(f"anna/{number}") for number in range(1500)], session=session)
        beginnings = [one.receipt_id.hex[:4] for one in receptions]
        shared = next(one for one in beginnings if beginnings.count(one) > 1)
        with pytest.raises(AmbiguousReferenceError, match=shared):
            resolve(shared, session=session)


@pytest.mark.parametrize("reference", ["", "abc", "no/such.jpg", "0000-0000", "anna/\x00", "' OR 1=1", "%"])
def test_an_unknown_reference_says_so(ledger: Ledger, reference: str) -> None:
    received(ledger)
    with pytest.raises(ReceiptNotFoundError), ledger.session() as session:
        show_receipt(reference, session=session)


def test_a_stranger_sees_nothing(ledger: Ledger) -> None:
    receipt_id = expensed(ledger, "anna/1").receipt_id
    with ledger.session() as session:
        for ask in (
            lambda: get_receipt(receipt_id, owner="bert", session=session),
            lambda: show_receipt(receipt_id, owner="bert", session=session),
            lambda: show_receipt(str(receipt_id), owner="bert", session=session),
            lambda: show_receipt("anna/1", owner="bert", session=session),
            lambda: delete_receipt(receipt_id, "mine?", owner="bert", session=session),
        ):
            with pytest.raises(ReceiptNotFoundError):
                ask()
        assert not list_receipts(owner="bert", session=session)
        assert not find_expenses(owner="bert", session=session)
        assert get_receipt(receipt_id, owner="anna", session=session).id == receipt_id


def test_a_walk_is_in_the_order_of_a_bucket_listing_and_complete(ledger: Ledger) -> None:
    keys = ["a/Z", "a/a", "a/é", "a/z", "a-b", "B/1", "a/🧾", "a/日", "a/_", "a_b/1"]
    with ledger.session() as session:
        receive_many([an_object(key) for key in keys], session=session)
        receive_many([an_object(key, bucket="archive") for key in keys[:3]], session=session)
        receive(an_object("a/z", etag="newer"), session=session)
    inbox = [one.key for one in walk_receipts(ledger, bucket="inbox", page_size=2)]
    assert inbox == sorted([*keys, "a/z"], key=str.encode)
    assert len(list(walk_receipts(ledger, page_size=3))) == len(keys) + 4
    assert {one.key for one in walk_receipts(ledger, prefix="a_", bucket="inbox")} == {"a_b/1"}


def test_read_receipts_are_those_asked_for(ledger: Ledger) -> None:
    ids = [received(ledger, f"anna/{number}") for number in range(3)]
    with ledger.session() as session:
        assert [one.id for one in read_receipts(ids[:2][::-1], session=session)] == ids[:2]


@given(st.datetimes(timezones=st.just(dt.UTC)), st.uuids(), st.integers())
def test_a_cursor_gives_back_its_key(when: dt.datetime, ident: Any, number: int) -> None:
    cursor = write_cursor(number, when, ident)
    assert read_cursor(cursor, int, dt.datetime, type(ident)) == (number, when, ident)


@given(st.text())
def test_no_text_that_is_no_cursor_does_more_than_be_refused(cursor: str) -> None:
    with pytest.raises(InvalidReferenceError):
        read_cursor(cursor, dt.datetime, dt.datetime)


def test_a_receipt_is_named_by_its_file_or_by_the_beginning_of_its_expenses_id(ledger: Ledger) -> None:
    dropped = expensed(ledger, "anna/2026-11/lunch.jpg").receipt_id
    posted = received(ledger, "anna/2026-11/0123456789abcdef01234567-taxi.jpg")
    received(ledger, "anna/a/twice.jpg")
    received(ledger, "anna/b/twice.jpg")
    received(ledger, "anna/100%_off.jpg")
    with ledger.session() as session:
        expense = find_expenses(session=session).items[0]
        assert resolve("lunch.jpg", session=session) == resolve(expense.public_id[:11], session=session) == dropped
        assert resolve("taxi.jpg", session=session, owner="anna") == posted
        with pytest.raises(AmbiguousReferenceError, match=r"twice\.jpg"):
            resolve("twice.jpg", session=session)
        for unknown in ("unch.jpg", "100__off.jpg", "rf-0000", "rf-", "%"):
            with pytest.raises(ReceiptNotFoundError):
                resolve(unknown, session=session)
        with pytest.raises(ReceiptNotFoundError):
            resolve("lunch.jpg", session=session, owner="bert")
