"""A notification is sent by one process at a time, under one id, until it is sent or given up."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from ledger_helpers import EXTRACTION, OTHER_PROCESS, PROCESS, alive, begun, claimed, expensed, gone, race, some_fields
from sqlmodel import select

from flows.ledger.database import Ledger
from flows.ledger.errors import ReceiptNotFoundError
from flows.ledger.notifications import claim_notifications, mark_failed, mark_sent, replay
from flows.ledger.receipts import record_expense
from flows.ledger.schema import DeliveryState, Notification, Webhook
from flows.ledger.values import ProcessIdentity
from flows.ledger.views import NotificationView


def _claim(ledger: Ledger, process: ProcessIdentity = PROCESS, **options: object) -> list[NotificationView]:
    arguments: dict[str, object] = {"process_is_gone": alive} | options
    with ledger.session() as session:
        return claim_notifications(process, session=session, **arguments)  # type: ignore[arg-type]


def _row(ledger: Ledger) -> Notification:
    with ledger.session() as session:
        row = session.exec(select(Notification)).one()
        session.expunge(row)
        return row


def _fail(ledger: Ledger, notification_id: UUID, retry_in_seconds: float | None) -> None:
    with ledger.session() as session:
        mark_failed(notification_id, "503", retry_in_seconds=retry_in_seconds, session=session)


def test_sixteen_senders_at_once_get_each_notification_once(ledger: Ledger) -> None:
    for number in range(5):
        expensed(ledger, f"anna/{number}", f"{number:064x}", total=number + 1)
    processes = [ProcessIdentity("host", "boot", pid, pid) for pid in range(100, 116)]
    answers = race([lambda process=process: _claim(ledger, process) for process in processes])
    assert len([one.id for answer in answers for one in answer]) == 5
    assert len({one.id for answer in answers for one in answer}) == 5


def test_sent_is_sent(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    (claimed_one,) = _claim(ledger, receipt_id=attempt.receipt_id)
    with ledger.session() as session:
        mark_sent(claimed_one.id, session=session)
    assert _claim(ledger, receipt_id=attempt.receipt_id, process_is_gone=gone) == []
    row = _row(ledger)
    assert (row.state, row.attempts, row.id) == (DeliveryState.SENT, 1, claimed_one.id)
    assert row.sent_at is not None


def test_a_claim_keeps_others_off_until_its_process_is_gone(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    first = _claim(ledger)
    assert _claim(ledger, OTHER_PROCESS) == []
    assert _claim(ledger, OTHER_PROCESS, receipt_id=attempt.receipt_id) == []
    assert [one.id for one in _claim(ledger)] == [first[0].id], "the same process may repeat"
    assert [one.id for one in _claim(ledger, OTHER_PROCESS, process_is_gone=gone)] == [first[0].id]


def test_a_failed_one_waits_for_its_time_except_for_its_own_flow(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    first = _claim(ledger)[0]
    _fail(ledger, first.id, 3600.0)
    assert _claim(ledger) == []
    again = _claim(ledger, OTHER_PROCESS, receipt_id=attempt.receipt_id)
    assert [(one.id, one.last_error) for one in again] == [(first.id, "503")]
    _fail(ledger, first.id, 0.0)
    assert [one.id for one in _claim(ledger)] == [first.id]


def test_a_given_up_one_is_sent_again_only_when_replayed_and_under_its_id(ledger: Ledger) -> None:
    expensed(ledger)
    first = _claim(ledger)[0]
    _fail(ledger, first.id, None)
    assert (_claim(ledger), _row(ledger).state) == ([], DeliveryState.FAILED)
    with ledger.session() as session:
        replay(first.id, session=session)
    assert [one.id for one in _claim(ledger)] == [first.id]


def test_what_was_deleted_cannot_be_marked(ledger: Ledger) -> None:
    with pytest.raises(ReceiptNotFoundError), ledger.session() as session:
        mark_sent(uuid4(), session=session)


def test_each_active_webhook_of_the_owner_that_wants_it_gets_a_row_of_its_own(ledger: Ledger) -> None:
    wanted = ["expense.ready"]
    with ledger.session() as session:
        hooks = [
            Webhook(owner=owner, url="https://example.org", secret="s", kinds=kinds, active=active)
            for owner, kinds, active in [
                ("anna", wanted, True),
                ("anna", wanted, False),
                ("anna", ["receipt.needs_review"], True),
                ("bert", wanted, True),
            ]
        ]
        session.add_all(hooks)
        session.flush()
        mine = f"webhook:{hooks[0].id}"
    expensed(ledger, "anna/1")
    assert {one.channel for one in _claim(ledger)} == {"owner", mine}
    assert [one.channel for one in _claim(ledger, channel="webhook:%")] == [mine]


def test_a_second_outcome_of_the_same_kind_notifies_nobody_again(ledger: Ledger) -> None:
    first = expensed(ledger)
    again = begun(ledger, first.receipt_id, force=True)
    with ledger.session() as session:
        record_expense(again, some_fields(), EXTRACTION, session=session)
    assert len(_claim(ledger)) == 1


def test_no_channels_means_nobody_is_notified(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    with ledger.session() as session:
        record_expense(attempt, some_fields(), EXTRACTION, channels=(), session=session)
    assert _claim(ledger) == []
