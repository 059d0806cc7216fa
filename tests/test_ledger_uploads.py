"""Uploads become receipts in one statement, whoever else received their objects meanwhile."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from ledger_helpers import an_object, count
from sqlalchemy import text

from flows.ledger.database import Ledger
from flows.ledger.receipts import (
    NewUpload,
    UploadView,
    find_upload,
    get_receipt,
    receipts_of_content,
    receive,
    receive_uploads,
    reserve,
    unreserved,
)
from flows.ledger.schema import State

SHA = "ab" * 32


def places(*keys: str, sha256: str = SHA) -> list[UploadView]:
    return unreserved([NewUpload("anna", "inbox", key, "image/jpeg", sha256) for key in keys])


def noted(ledger: Ledger, upload: UploadView) -> UUID | None:
    with ledger.session() as session:
        return find_upload(upload.id, "anna", session=session).receipt_id


def test_uploads_become_receipts_in_their_order(ledger: Ledger) -> None:
    uploads = places("anna/b.jpg", "anna/a.jpg")
    with ledger.autocommit() as session:
        receptions = receive_uploads(uploads, [an_object("anna/b.jpg"), an_object("anna/a.jpg")], session=session)
    assert [(one.created, one.state, one.submitted) for one in receptions] == [(True, State.WAITING, False)] * 2
    assert [noted(ledger, upload) for upload in uploads] == [one.receipt_id for one in receptions]
    with ledger.session() as session:
        assert [get_receipt(one.receipt_id, session=session).key for one in receptions] == [
            "anna/b.jpg",
            "anna/a.jpg",
        ]
        assert receipts_of_content("anna", {SHA}, session=session)[SHA].id == receptions[0].receipt_id
        assert receipts_of_content("bert", {SHA}, session=session) == {}


def test_an_object_that_an_event_brought_in_is_noted_all_the_same(ledger: Ledger) -> None:
    uploads, objects = places("anna/new.jpg", "anna/old.jpg"), [an_object("anna/new.jpg"), an_object("anna/old.jpg")]
    with ledger.session() as session:
        known = receive(objects[1], session=session)
    with ledger.autocommit() as session:
        receptions = receive_uploads(uploads, objects, session=session)
    assert [one.created for one in receptions] == [True, False]
    assert receptions[1].receipt_id == known.receipt_id
    assert [noted(ledger, upload) for upload in uploads] == [one.receipt_id for one in receptions]
    assert count(ledger, "receipts") == count(ledger, "uploads") == 2


def test_a_reserved_upload_keeps_its_row_and_a_repeat_changes_nothing(ledger: Ledger) -> None:
    wanted = [NewUpload("anna", "inbox", "anna/c.jpg", "image/jpeg", SHA)]
    with ledger.session() as session:
        uploads = reserve(wanted, session=session, idempotency_key="once")
    for created in (True, False):
        with ledger.autocommit() as session:
            (reception,) = receive_uploads(uploads, [an_object("anna/c.jpg")], session=session)
        assert reception.created is created
        assert noted(ledger, uploads[0]) == reception.receipt_id
    assert count(ledger, "receipts") == count(ledger, "uploads") == count(ledger, "state_changes") == 1


def test_each_statement_alone_is_committed_and_a_failed_one_takes_no_other_with_it(ledger: Ledger) -> None:
    name = f"alone_{uuid4().hex}"
    with pytest.raises(ZeroDivisionError), ledger.autocommit() as session:
        session.execute(text(f"CREATE TABLE {name} AS SELECT 1 AS one"))
        raise ZeroDivisionError
    with ledger.session() as session:
        assert session.scalar(text(f"SELECT one FROM {name}")) == 1  # noqa: S608  # a name made here
        session.execute(text(f"DROP TABLE {name}"))
    with pytest.raises(ZeroDivisionError), ledger.session() as session:  # the pooled connection has transactions again
        session.execute(text(f"CREATE TABLE {name} AS SELECT 1 AS one"))
        raise ZeroDivisionError
    with ledger.session() as session:
        assert session.scalar(text("SELECT to_regclass(:name)"), {"name": name}) is None
