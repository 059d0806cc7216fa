"""Every source's objects become receipts exactly once: in a race, by the page, in every spelling of one object."""

from __future__ import annotations

import datetime as dt
from uuid import uuid4

import pytest
from ledger_helpers import an_object, begun, count, race, received, state_of

from flows.ledger.database import Ledger
from flows.ledger.errors import InvalidReferenceError
from flows.ledger.receipts import (
    get_receipt,
    mark_submitted,
    receive,
    receive_many,
    show_receipt,
    unknown_objects,
    waiting_among,
    waiting_for_submission,
)
from flows.ledger.schema import Source, State
from flows.ledger.values import ReceivedObject, Reception


def test_first_sight_makes_a_waiting_receipt_and_an_audit_line(ledger: Ledger) -> None:
    with ledger.session() as session:
        reception = receive(an_object(source="cli"), session=session)
        shown = show_receipt(reception.receipt_id, session=session)
    assert (reception.created, reception.state, reception.reopened) == (True, State.WAITING, 0)
    assert (shown.source, shown.owner, shown.size_bytes) == (Source.CLI, "anna", 7)
    assert [(line.from_state, line.to_state, line.reason) for line in shown.history] == [
        (None, State.WAITING, "received by cli")
    ]


def test_sixteen_sources_at_once_make_one_receipt(ledger: Ledger) -> None:
    def receive_it() -> Reception:
        with ledger.session() as session:
            return receive(an_object(), session=session)

    receptions = race([receive_it] * 16)
    assert sum(reception.created for reception in receptions) == 1
    assert len({reception.receipt_id for reception in receptions}) == 1
    assert (count(ledger, "receipts"), count(ledger, "state_changes")) == (1, 1)


def test_racing_pages_in_opposite_order_neither_double_nor_deadlock(ledger: Ledger) -> None:
    page = [an_object(f"anna/{number}.jpg") for number in range(300)]

    def receive_page(objects: list[ReceivedObject]) -> list[Reception]:
        with ledger.session() as session:
            return receive_many(objects, session=session)

    answers = race([lambda objects=objects: receive_page(objects) for objects in [page, page[::-1]] * 4])
    assert sum(reception.created for answer in answers for reception in answer) == len(page)
    assert count(ledger, "receipts") == count(ledger, "state_changes") == len(page)
    assert [one.receipt_id for one in answers[0]] == [one.receipt_id for one in answers[1]][::-1]


def test_a_page_names_its_receipts_in_the_order_given_even_twice(ledger: Ledger) -> None:
    objects = [an_object("anna/b"), an_object("anna/a"), an_object("anna/b")]
    with ledger.session() as session:
        receptions = receive_many(objects, session=session)
        keys = [get_receipt(one.receipt_id, session=session).key for one in receptions]
    assert keys == ["anna/b", "anna/a", "anna/b"]
    assert count(ledger, "receipts") == 2


def test_an_empty_page_is_no_error(ledger: Ledger) -> None:
    with ledger.session() as session:
        assert receive_many([], session=session) == []


@pytest.mark.parametrize(
    "again",
    [
        {"etag": '"e1"'},
        {"etag": "e1", "version_id": "null"},
        {"etag": "e1", "version_id": "v1"},
        {"etag": "e1", "owner": "somebody", "source": "event"},
    ],
    ids=["quoted etag", "null version", "event names the version", "other source"],
)
def test_the_same_object_in_another_spelling_is_known(ledger: Ledger, again: dict[str, str]) -> None:
    first = received(ledger, etag="e1")
    with ledger.session() as session:
        assert unknown_objects([an_object(**again)], session=session) == []
        assert receive(an_object(**again), session=session).receipt_id == first


def test_a_listing_without_versions_knows_an_object_that_an_event_named_with_one(ledger: Ledger) -> None:
    first = received(ledger, version_id="v1")
    with ledger.session() as session:
        assert receive(an_object(), session=session).receipt_id == first


@pytest.mark.parametrize("change", [{"etag": "new"}, {"bucket": "other"}, {"version_id": "v2"}])
def test_another_etag_version_or_bucket_is_another_receipt(ledger: Ledger, change: dict[str, str]) -> None:
    first = received(ledger, version_id="v1")
    with ledger.session() as session:
        second = receive(an_object(**({"version_id": "v1"} | change)), session=session)
    assert second.created
    assert second.receipt_id != first


def test_unknown_objects_are_those_never_received(ledger: Ledger) -> None:
    received(ledger, "anna/known")
    page = [an_object("anna/a"), an_object("anna/known"), an_object("anna/z", etag="x")]
    with ledger.session() as session:
        assert unknown_objects(page, session=session) == [page[0], page[2]]
        assert unknown_objects([], session=session) == []


def test_a_key_that_no_database_can_hold_is_refused_with_its_name() -> None:
    with pytest.raises(InvalidReferenceError, match="NUL"):
        an_object("anna/\x00.jpg")


@pytest.mark.parametrize("key", ["anna/Grüße 日本 🧾.jpg", "anna/%41 'quoted\" \\ ; --.jpg", "anna/" + "x" * 1019])
def test_keys_of_all_kinds_come_back_as_they_were(ledger: Ledger, key: str) -> None:
    receipt_id = received(ledger, key)
    with ledger.session() as session:
        assert get_receipt(receipt_id, session=session).key == key


def test_what_waits_is_listed_by_urgency_then_age_until_it_is_submitted(ledger: Ledger) -> None:
    ids = [received(ledger, f"anna/{number}", priority=priority) for number, priority in enumerate([5, 0, 5, 0])]
    expected = [ids[1], ids[3], ids[0], ids[2]]
    with ledger.session() as session:
        first = waiting_for_submission(limit=3, session=session)
        rest = waiting_for_submission(limit=3, after=first.next, session=session)
        assert [one.receipt_id for one in (*first, *rest)] == expected
        assert rest.next is None
        for receipt_id in ids[:3]:
            assert mark_submitted(receipt_id, uuid4(), "key", session=session)
        assert [one.receipt_id for one in waiting_for_submission(session=session)] == [ids[3]]
        assert [one.receipt_id for one in waiting_among(ids, session=session)] == [ids[3]]


def test_submitted_long_ago_and_never_begun_is_found_again(ledger: Ledger) -> None:
    receipt_id = received(ledger)
    with ledger.session() as session:
        mark_submitted(receipt_id, uuid4(), session=session)
    later = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    earlier = later - dt.timedelta(hours=2)
    with ledger.session() as session:
        again = waiting_for_submission(submitted_before=later, session=session)
        assert [one.receipt_id for one in again] == [receipt_id]
        assert not waiting_for_submission(submitted_before=earlier, session=session)


def test_a_late_submission_does_not_take_a_receipt_from_who_works_on_it(ledger: Ledger) -> None:
    receipt_id = received(ledger)
    attempt = begun(ledger, receipt_id)
    with ledger.session() as session:
        assert mark_submitted(receipt_id, uuid4(), session=session)
        assert get_receipt(receipt_id, session=session).flow_run_id == attempt.flow_run_id
    assert state_of(ledger, receipt_id) == "running"


def test_of_several_that_submit_a_receipt_at_once_one_is_the_first(ledger: Ledger) -> None:
    receipt_id, run_id = received(ledger), uuid4()

    def note() -> bool | None:
        with ledger.session() as session:
            return mark_submitted(receipt_id, run_id, "key", session=session)

    answers = race([note] * 6)
    assert (answers.count(True), answers.count(False)) == (1, 5)
    with ledger.session() as session:
        assert mark_submitted(receipt_id, uuid4(), "another generation's key", session=session)


def test_submission_of_a_deleted_receipt_says_so(ledger: Ledger) -> None:
    with ledger.session() as session:
        assert not mark_submitted(uuid4(), uuid4(), session=session)
