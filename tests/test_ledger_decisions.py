"""A person's word counts: what they decide and correct is booked at once, survives every reading, can be undone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from ledger_helpers import EXTRACTION, begun, claimed, count, duplicate, expensed, received, some_fields, state_of

from flows.domain.fields import ReceiptFields
from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.decisions import (
    Book,
    ChangedMeanwhileError,
    Decided,
    Decision,
    Dismiss,
    ExpenseNotFoundError,
    NothingToUndoError,
    SamePurchaseError,
    Split,
    Undo,
    UnfitReceiptError,
    correct,
    decide,
    history,
    restore,
    review_item,
    review_queue,
    void,
)
from flows.ledger.errors import ReceiptNotFoundError, WrongStateError
from flows.ledger.expenses import find_expenses
from flows.ledger.notifications import create_webhook
from flows.ledger.receipts import (
    delete_receipt,
    get_receipt,
    record_expense,
    record_quarantine,
    record_review,
    reopen,
    resolve,
    show_receipt,
    supersede,
)
from flows.ledger.schema import DismissReason, NotificationKind, State, Via
from flows.ledger.values import Actor, Attempt, Recorded, SamePurchase, Settled

ANNA = Actor("anna", Via.API)
BERT = Actor("bert", Via.PAGE, uuid4())
TABLES = ("corrections", "decisions", "expenses", "notifications", "state_changes", "line_items")


def in_review(ledger: Ledger, key: str = "anna/1.jpg", sha256: str = "ab" * 32, **fields: object) -> UUID:
    """A receipt that an unsure reading brought into review."""
    attempt = claimed(ledger, key, sha256)
    with ledger.session() as session:
        record_review(attempt, unsure("1", **fields), EXTRACTION, session=session)
    return attempt.receipt_id


def unsure(version: str = "1", **fields: object) -> ReceiptFields:
    """A reading that a person has to look at."""
    changes = {"decision": "review", "reasons": ("The total is 19.46 or 19.16.",), "parser_version": version}
    return some_fields(**fields).model_copy(update=changes)


def decided(ledger: Ledger, receipt_id: UUID, decision: Decision, actor: Actor = ANNA, **options: object) -> Decided:
    with ledger.session() as session:
        return decide(receipt_id, decision, actor, session=session, **options)  # type: ignore[arg-type]  # as given


def corrected(
    ledger: Ledger, public_id: str, fields: Mapping[str, object], actor: Actor = ANNA, **options: object
) -> Decided:
    with ledger.session() as session:
        return correct(public_id, fields, actor, session=session, **options)  # type: ignore[arg-type]  # as given


def read_again(
    ledger: Ledger, receipt_id: UUID, version: str = "2", **fields: object
) -> Recorded | SamePurchase | Settled:
    """A sure reading by another version."""
    attempt = begun(ledger, receipt_id, force=True)
    with ledger.session() as session:
        sure = some_fields(**fields).model_copy(update={"parser_version": version})
        return record_expense(attempt, sure, EXTRACTION, session=session)


def rows(ledger: Ledger) -> dict[str, int]:
    return {table: count(ledger, table) for table in TABLES}


def test_a_receipt_in_review_is_booked_with_what_the_person_gave(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    booked = decided(ledger, receipt_id, Book({"total": "19.46", "merchant": " Markt  am Platz "}))
    assert (booked.state, booked.changed) == (State.EXPENSED, True)
    expense = booked.expenses[0]
    assert (expense.total, expense.merchant, expense.currency) == (Decimal("19.46"), "Markt am Platz", "EUR")
    assert (expense.revision, expense.purchase_date) == (1, dt.date(2026, 11, 20))
    assert state_of(ledger, receipt_id) == "expensed"


def test_to_decide_the_same_again_changes_nothing(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    decided(ledger, receipt_id, Book({"total": "19.46"}))
    before = rows(ledger)
    again = decided(ledger, receipt_id, Book({"total": "19.460"}), BERT)
    assert (again.changed, again.state, rows(ledger)) == (False, State.EXPENSED, before)
    decided(ledger, receipt_id, Dismiss(DismissReason.NOT_MINE))
    before = rows(ledger)
    assert not decided(ledger, receipt_id, Dismiss(DismissReason.NOT_MINE)).changed
    assert rows(ledger) == before


def test_no_reading_changes_what_a_person_booked(ledger: Ledger) -> None:
    receipt_id = in_review(ledger, total=Decimal("19.16"))
    booked = decided(ledger, receipt_id, Book({"merchant": "Markt am Platz"})).expenses[0]
    assert read_again(ledger, receipt_id, total=Decimal(99), merchant="M", tax=Decimal(5)) == Settled(
        State.EXPENSED, None
    )
    with ledger.session() as session:
        after = show_receipt(receipt_id, session=session)
        item = review_item(receipt_id, session=session)
    assert after.expense is not None
    # The total was confirmed by booking it, the merchant corrected; the tax was neither.
    assert (after.expense.total, after.expense.merchant) == (Decimal("19.16"), "Markt am Platz")
    assert (after.expense.tax, after.expense.revision) == (Decimal(5), booked.revision + 1)
    fields = {field.name: field for field in item.fields}
    assert (fields["total"].value, fields["total"].machine, fields["total"].differs) == ("19.16", "99", True)
    assert (fields["tax"].differs, fields["merchant"].differs) == (False, True)


@pytest.mark.parametrize("outcome", ["review", "quarantine", "gone", "supersede"])
def test_a_reading_that_fails_leaves_what_a_person_booked(ledger: Ledger, outcome: str) -> None:
    attempt = expensed(ledger)
    with ledger.session() as session:
        public_id = find_expenses(session=session).items[0].public_id
    corrected(ledger, public_id, {"merchant": "Markt am Platz"})
    _fail(ledger, attempt, outcome)
    with ledger.session() as session:
        after = show_receipt(attempt.receipt_id, session=session)
    assert (after.state, after.reason_code) == (State.EXPENSED, None)
    assert after.expense is not None
    assert (after.expense.merchant, after.expense.revision) == ("Markt am Platz", 2)


def _fail(ledger: Ledger, attempt: Attempt, outcome: str) -> None:
    if outcome == "supersede":
        with ledger.session() as session:
            reopen(attempt.receipt_id, "by hand", session=session)
            assert supersede(attempt.receipt_id, "replaced", session=session)
        return
    again = begun(ledger, attempt.receipt_id, force=True)
    with ledger.session() as session:
        if outcome == "review":
            settled = record_review(again, unsure("2", total=None), EXTRACTION, session=session)
            assert settled == record_review(again, unsure("2", total=None), EXTRACTION, session=session)
        else:
            code = "ObjectGone" if outcome == "gone" else "Undecodable"
            settled = record_quarantine(again, "broken", code=code, session=session)
    assert settled == Settled(State.EXPENSED, None)


def test_what_a_person_dismissed_stays_dismissed(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    dismissed = decided(ledger, attempt.receipt_id, Dismiss(DismissReason.NOT_A_RECEIPT))
    assert (dismissed.state, dismissed.expenses) == (State.DISMISSED, ())
    assert read_again(ledger, attempt.receipt_id, total=Decimal(99)) == Settled(State.DISMISSED, "It is not a receipt.")
    with ledger.session() as session:
        after = show_receipt(attempt.receipt_id, session=session)
        assert (after.state, after.reason_code, after.expense) == (State.DISMISSED, "not_a_receipt", None)
        voided = find_expenses(voided=True, session=session).items
    assert [(one.total, one.revision) for one in voided] == [(Decimal("12.50"), 2)]
    undone = decided(ledger, attempt.receipt_id, Undo())
    assert (undone.state, undone.expenses[0].total) == (State.EXPENSED, Decimal(99))


def test_a_correction_that_is_taken_back_gives_what_was_read(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    with ledger.session() as session:
        public_id = find_expenses(session=session).items[0].public_id
    assert corrected(ledger, public_id, {"total": "99", "tax": None}).expenses[0].tax is None
    read_again(ledger, attempt.receipt_id, total=Decimal("13.00"))
    after = corrected(ledger, public_id, {}, take_back=["total", "tip"]).expenses[0]
    assert (after.total, after.tax, after.revision) == (Decimal("13.00"), None, 3)


def test_a_line_stays_with_its_list(ledger: Ledger) -> None:
    """A later reading that finds other lines does not put the correction beside another thing."""
    attempt = expensed(ledger)
    with ledger.session() as session:
        public_id = find_expenses(session=session).items[0].public_id
    corrected(ledger, public_id, {"line_items/2/total": "8.00", "line_items/2/quantity": 2})
    attempt = begun(ledger, attempt.receipt_id, force=True)
    with ledger.session() as session:
        fields = some_fields().model_copy(update={"line_items": some_fields().line_items[1:], "parser_version": "2"})
        record_expense(attempt, fields, EXTRACTION, session=session)
        lines = show_receipt(attempt.receipt_id, session=session).line_items
    assert [(line.description, line.total) for line in lines] == [("Brot", Decimal("4.50")), ("Käse", Decimal(8))]
    with pytest.raises(InvalidValuesError, match="line_items/7/total: there is no such line: it has 2 lines"):
        corrected(ledger, public_id, {"line_items/7/total": "8.00"})
    whole = [{"description": "Wein", "total": "12.50"}]
    corrected(ledger, public_id, {"line_items/1/quantity": "3", "line_items": whole})
    decided(ledger, attempt.receipt_id, Undo())
    with ledger.session() as session:
        lines = show_receipt(attempt.receipt_id, session=session).line_items
    assert [(line.description, line.total) for line in lines] == [("Brot", Decimal("4.50")), ("Käse", Decimal(8))]


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("purchase_date", "3026-01-01", "cannot be a day of purchase"),
        ("purchase_date", "2026-02-30", "there is no day"),
        ("purchase_date", 5, "write it as 2026-11-20"),
        ("purchase_time", "25:00", "write it as 18:05"),
        ("total", "NaN", "write it as 19.46"),
        ("total", float("inf"), "write it as 19.46"),
        ("total", "19,46", "write it as 19.46"),
        ("total", None, "cannot be empty"),
        ("total", True, "give a number"),
        ("total", "1e13", "more than a receipt can say"),
        ("total", "9" * 10_000_000, "write it as 19.46"),
        ("tax", "0.123456", "decimals"),
        ("currency", "XYZ", "ISO 4217"),
        ("currency", "E" * 10_000_000, "ISO 4217"),
        ("country", "Deutschland", "ISO 3166"),
        ("payment_method", "shells", "cash"),
        ("merchant", "x" * 10_000_000, "10,000,000 characters; at most 200"),
        ("merchant", "a\x00b", "control characters"),
        ("merchant", ["Markt"], "give it as text"),
        ("notes", "x" * 5001, "at most 5,000"),
        ("line_items", "Brot", "list of lines"),
        ("line_items", [{"total": 1}], "line 1 needs a description"),
        ("line_items", [{"description": "Brot", "price": 1}], "line 1 has 'price'"),
        ("line_items", [{"description": "Brot", "total": "NaN"}], "line 1, total"),
        ("line_items", [{"description": "Brot"}] * 501, "at most 500"),
        ("line_items/0/total", 1, "no such field"),
        ("line_items/1/price", 1, "no such field"),
        ("owner", "bert", "no such field"),
    ],
)
def test_what_a_field_cannot_be_is_refused_by_its_name_and_nothing_changes(
    ledger: Ledger, field: str, value: object, problem: str
) -> None:
    receipt_id = in_review(ledger)
    before = rows(ledger)
    with pytest.raises(InvalidValuesError, match=problem) as refused:
        decided(
            ledger, receipt_id, Book({field: value, "merchant": "Markt"} if field != "merchant" else {field: value})
        )
    assert list(refused.value.problems) == [field]
    assert len(str(refused.value)) < 1000
    assert rows(ledger) == before


def test_without_a_total_nothing_is_booked(ledger: Ledger) -> None:
    receipt_id = in_review(ledger, total=None)
    before = rows(ledger)
    with pytest.raises(InvalidValuesError, match="total: none was read; give it"):
        decided(ledger, receipt_id, Book())
    assert rows(ledger) == before


def test_what_could_not_be_read_is_booked_by_hand(ledger: Ledger) -> None:
    attempt = claimed(ledger)
    with ledger.session() as session:
        record_quarantine(attempt, "too dark", session=session)
    given = {"total": "8.20", "currency": "eur", "merchant": "Kiosk", "purchase_date": "2026-11-21"}
    booked = decided(ledger, attempt.receipt_id, Book(given))
    assert (booked.state, booked.expenses[0].total, booked.expenses[0].currency) == (
        State.EXPENSED,
        Decimal("8.20"),
        "EUR",
    )
    assert decided(ledger, attempt.receipt_id, Undo()).state is State.QUARANTINED


def test_the_second_person_sees_what_the_first_did_and_loses_nothing(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    with ledger.session() as session:
        seen = get_receipt(receipt_id, session=session).updated_at
    decided(ledger, receipt_id, Book({"total": "19.46"}), BERT, seen=seen)
    before = rows(ledger)
    with pytest.raises(ChangedMeanwhileError) as refused:
        decided(ledger, receipt_id, Dismiss(DismissReason.NOT_MINE), seen=seen)
    assert refused.value.changes[0] == "bert: book"
    assert "total: 12.50 → 19.46 by bert" in refused.value.changes
    assert rows(ledger) == before
    with ledger.session() as session:
        expense = find_expenses(session=session).items[0]
    corrected(ledger, expense.public_id, {"merchant": "Eins"}, seen=expense.revision)
    with pytest.raises(ChangedMeanwhileError, match="Markt am Eck → Eins by anna"):
        corrected(ledger, expense.public_id, {"merchant": "Zwei"}, BERT, seen=expense.revision)


def test_a_receipt_that_is_read_again_is_decided_at_once_and_ends_as_decided(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    attempt = begun(ledger, receipt_id, force=True)
    booked = decided(ledger, receipt_id, Book({"total": "19.46"}))
    assert (booked.state, booked.expenses[0].total) == (State.RUNNING, Decimal("19.46"))
    with ledger.session() as session:
        assert record_review(attempt, unsure("2"), EXTRACTION, session=session) == Settled(State.EXPENSED, None)
    assert decided(ledger, receipt_id, Undo()).state is State.REVIEW


def test_what_was_never_read_a_copy_and_what_is_gone_cannot_be_decided(ledger: Ledger) -> None:
    waiting = received(ledger, "anna/0.jpg")
    running = claimed(ledger, "anna/r.jpg", "cd" * 32).receipt_id
    first = in_review(ledger)
    copy = duplicate(ledger, "anna/2.jpg").receipt_id
    for receipt_id in (waiting, running):
        with pytest.raises(WrongStateError, match="for the first time"):
            decided(ledger, receipt_id, Book({"total": 1}))
    with pytest.raises(WrongStateError, match=f"decide on receipt {first}"):
        decided(ledger, copy, Book({"total": 1}))
    with ledger.session() as session:
        supersede(waiting, "replaced", session=session)
    with pytest.raises(WrongStateError, match="upload it again"):
        decided(ledger, waiting, Book({"total": 1}))
    with pytest.raises(ReceiptNotFoundError):
        decided(ledger, uuid4(), Book({"total": 1}))
    with pytest.raises(NothingToUndoError):
        decided(ledger, first, Undo())


def test_strangers_find_nothing(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    with ledger.session() as session:
        public_id = find_expenses(session=session).items[0].public_id
    before = rows(ledger)
    for decision in (Book({"total": 1}), Dismiss(DismissReason.NOT_MINE), Split([{"total": 1}] * 2), Undo()):
        with pytest.raises(ReceiptNotFoundError):
            decided(ledger, attempt.receipt_id, decision, owner="bert")
    with ledger.session() as session:
        for ask in (review_item, history):
            with pytest.raises(ReceiptNotFoundError):
                ask(attempt.receipt_id, session=session, owner="bert")
        assert not review_queue(session=session, owner="bert").items
    with pytest.raises(ExpenseNotFoundError):
        corrected(ledger, public_id, {"total": 1}, owner="bert")
    with ledger.session() as session:
        with pytest.raises(ExpenseNotFoundError):
            void(public_id, "mine", ANNA, owner="bert", session=session)
        with pytest.raises(ExpenseNotFoundError):
            restore(public_id, ANNA, owner="bert", session=session)
    assert rows(ledger) == before


def test_the_same_purchase_is_kept_as_two_once_a_person_says_so(ledger: Ledger) -> None:
    first = expensed(ledger)
    attempt = claimed(ledger, "anna/2.jpg", "cd" * 32)
    with ledger.session() as session:
        assert isinstance(record_expense(attempt, some_fields(), EXTRACTION, session=session), SamePurchase)
    with pytest.raises(SamePurchaseError, match=str(first.receipt_id)):
        decided(ledger, attempt.receipt_id, Book())
    assert count(ledger, "corrections") == 0
    assert decided(ledger, attempt.receipt_id, Book(keep_both=True)).state is State.EXPENSED
    # Neither of them is asked about again, whichever is read with other values first.
    assert isinstance(read_again(ledger, first.receipt_id, receipt_number="7"), Recorded)
    assert state_of(ledger, first.receipt_id) == "expensed"


def test_a_duplicate_names_the_receipt_that_it_repeats(ledger: Ledger) -> None:
    first = expensed(ledger)
    second, stranger = in_review(ledger, "anna/2.jpg", "cd" * 32), in_review(ledger, "bert/1.jpg", "ef" * 32)
    for other, problem in [
        (None, "name the receipt"),
        (second, "this receipt itself"),
        (stranger, "there is no receipt"),
        (uuid4(), "there is no receipt"),
    ]:
        with pytest.raises(UnfitReceiptError, match=f"duplicate_of: .*{problem}"):
            decided(ledger, second, Dismiss(DismissReason.DUPLICATE_OF, other))
    decided(ledger, second, Dismiss(DismissReason.DUPLICATE_OF, first.receipt_id))
    with ledger.session() as session:
        shown = get_receipt(second, session=session)
    assert (shown.state, shown.same_purchase_as) == (State.DISMISSED, first.receipt_id)
    with pytest.raises(UnfitReceiptError, match="dismissed itself"):
        decided(ledger, first.receipt_id, Dismiss(DismissReason.DUPLICATE_OF, second))
    with ledger.session() as session:
        delete_receipt(first.receipt_id, "asked for", session=session)
        assert get_receipt(second, session=session).same_purchase_as is None
    read_again(ledger, second)
    assert state_of(ledger, second) == "dismissed"


def test_one_picture_of_two_receipts_is_two_expenses(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    decided(ledger, receipt_id, Book({"merchant": "Markt am Platz", "line_items/1/total": "5"}))
    parts = [{"total": "7.50"}, {"total": "5.00", "merchant": "Bäcker", "notes": "Frühstück\nzu zweit"}]
    split = decided(ledger, receipt_id, Split(parts))
    assert [(one.part, one.total, one.merchant) for one in split.expenses] == [
        (0, Decimal("7.50"), "Markt am Platz"),
        (1, Decimal("5.00"), "Bäcker"),
    ]
    assert [one.tax for one in split.expenses] == [None, None]
    first, second = split.expenses
    assert first.public_id != second.public_id
    assert second.notes == "Frühstück\nzu zweit"
    assert not decided(ledger, receipt_id, Split(parts)).changed
    read_again(ledger, receipt_id, total=Decimal(99), country="DE")
    with ledger.session() as session:
        after = find_expenses(session=session).items
        assert {(one.total, one.country) for one in after} == {(Decimal("7.50"), "DE"), (Decimal(5), "DE")}
        assert resolve(second.public_id, session=session) == receipt_id
        assert not show_receipt(receipt_id, session=session).line_items
    with ledger.session() as session:
        gone = void(second.public_id, "not ours", ANNA, session=session)
        assert ([one.part for one in gone.expenses], gone.state) == ([0], State.EXPENSED)
    read_again(ledger, receipt_id, version="3", country="AT")
    with ledger.session() as session:
        assert [one.part for one in restore(second.public_id, BERT, session=session).expenses] == [0, 1]
    for _ in range(3):  # the restoring, the voiding, the splitting
        whole = decided(ledger, receipt_id, Undo())
    assert [(one.part, one.total, one.merchant) for one in whole.expenses] == [(0, Decimal("12.50"), "Markt am Platz")]
    with ledger.session() as session:
        lines = show_receipt(receipt_id, session=session).line_items
        assert [line.total for line in lines] == [Decimal(5), None]
        with pytest.raises(WrongStateError, match="not split any more"):
            restore(second.public_id, BERT, session=session)


@pytest.mark.parametrize(
    ("parts", "field"),
    [([], "parts"), ([{"total": 1}], "parts"), ([{"total": 1}, {"merchant": "M"}], "parts/1/total")],
)
def test_a_split_needs_two_parts_with_totals(ledger: Ledger, parts: list[dict[str, object]], field: str) -> None:
    receipt_id = in_review(ledger)
    before = rows(ledger)
    with pytest.raises(InvalidValuesError) as refused:
        decided(ledger, receipt_id, Split(parts))
    assert (list(refused.value.problems), rows(ledger)) == ([field], before)


def test_an_expense_is_voided_and_restored_by_a_person(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    with ledger.session() as session:
        public_id = find_expenses(session=session).items[0].public_id
        gone = void(public_id, "private", ANNA, session=session)
        assert (gone.state, gone.expenses) == (State.DISMISSED, ())
        assert not void(public_id, "private", ANNA, session=session).changed
    with pytest.raises(WrongStateError, match="restore the expense first"):
        corrected(ledger, public_id, {"total": 1})
    read_again(ledger, attempt.receipt_id, total=Decimal("13.00"))
    with ledger.session() as session:
        back = restore(public_id, BERT, session=session)
    assert (back.state, back.expenses[0].total, back.expenses[0].revision) == (State.EXPENSED, Decimal("13.00"), 3)
    with pytest.raises(InvalidValuesError, match="reason"), ledger.session() as session:
        void(public_id, "x" * 501, ANNA, session=session)


def test_undo_takes_one_decision_after_the_other_back(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    decided(ledger, receipt_id, Book({"total": "19.46"}))
    with ledger.session() as session:
        public_id = find_expenses(session=session).items[0].public_id
    corrected(ledger, public_id, {"total": "20"})
    corrected(ledger, public_id, {"total": "21", "tip": "1"})
    decided(ledger, receipt_id, Dismiss(DismissReason.NOT_MINE))
    told = []
    for _ in range(4):
        now = decided(ledger, receipt_id, Undo())
        told.append((now.state, [(one.total, one.tip) for one in now.expenses]))
    assert told == [
        (State.EXPENSED, [(Decimal(21), Decimal(1))]),
        (State.EXPENSED, [(Decimal(20), None)]),
        (State.EXPENSED, [(Decimal("19.46"), None)]),
        (State.REVIEW, []),
    ]
    with pytest.raises(NothingToUndoError):
        decided(ledger, receipt_id, Undo())
    with ledger.session() as session:
        shown = get_receipt(receipt_id, session=session)
        assert (shown.reason, shown.reason_code) == ("The total is 19.46 or 19.16.", "unsure")
        assert not review_item(receipt_id, session=session).corrections
    assert isinstance(read_again(ledger, receipt_id, total=Decimal(30)), Recorded)


def test_webhooks_hear_of_decisions_and_of_each_part(ledger: Ledger) -> None:
    with ledger.session() as session:
        create_webhook("anna", "https://accounting.example", list(NotificationKind), session=session)
    receipt_id = in_review(ledger)
    decided(ledger, receipt_id, Split([{"total": "7.50"}, {"total": "5.00"}]), BERT)
    decided(ledger, receipt_id, Undo())
    with ledger.session() as session:
        sent = show_receipt(receipt_id, session=session).notifications
    told = [(one.kind.value, one.payload["total"]) for one in sent if one.kind.value.startswith("expense.")]
    assert sorted(told) == [
        ("expense.ready", "5.00"),
        ("expense.ready", "7.50"),
        ("expense.voided", "5.00"),
        ("expense.voided", "7.50"),
    ]
    reviewed = [one.payload for one in sent if one.kind is NotificationKind.REVIEWED]
    assert [(one["decision"], one["state"], one["by"], one["via"]) for one in reviewed] == [
        ("split", "expensed", "bert", "page"),
        ("undo", "review", "anna", "api"),
    ]


def test_the_history_tells_who_set_what_and_what_had_been_read(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    decided(ledger, receipt_id, Book({"total": "19.46"}), BERT)
    with ledger.session() as session:
        public_id = find_expenses(session=session).items[0].public_id
    corrected(ledger, public_id, {"total": "19.16"}, reason="misread")
    with ledger.session() as session:
        told = history(receipt_id, session=session)
    states = [line.after for line in told if line.what == "state"]
    assert states == ["waiting", "running", "review", "expensed", "expensed"]
    totals = [line for line in told if line.field == "total"]
    assert [(one.who, one.via, one.before, one.after, one.machine, one.reason) for one in totals] == [
        ("bert", "page", "12.50", "19.46", "12.50", None),
        ("anna", "api", "19.46", "19.16", "12.50", "misread"),
    ]
    assert [line.field for line in told if line.confirmed] == ["purchase_date", "currency", "merchant"]
    assert [line.what for line in told if line.what in {"book", "correct"}] == ["book", "correct"]


def test_a_deletion_leaves_nothing_that_a_person_wrote(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    decided(ledger, receipt_id, Book({"total": "19.46", "notes": "a secret"}))
    with ledger.session() as session:
        delete_receipt(receipt_id, "asked for", session=session)
    after = rows(ledger)
    assert (after["corrections"], after["decisions"], after["expenses"], after["notifications"]) == (0, 0, 0, 0)


def test_the_queue_is_in_order_of_arrival_and_comes_in_pages(ledger: Ledger) -> None:
    ids = [in_review(ledger, f"anna/{n}.jpg", f"{n:064x}", total=Decimal(n)) for n in range(1, 6)]
    in_review(ledger, "bert/1.jpg", "ef" * 32)
    seen: list[UUID] = []
    after: str | None = None
    with ledger.session() as session:
        while True:
            page = review_queue(session=session, owner="anna", after=after, limit=2)
            seen += [one.id for one in page]
            if (after := page.next) is None:
                break
        assert seen == ids
        first = review_queue(session=session, owner="anna").items[0]
        assert (first.total, first.merchant, first.reason) == ("1", "Markt am Eck", "The total is 19.46 or 19.16.")
        assert len(review_queue(session=session)) == 6
    decided(ledger, ids[0], Book())
    with ledger.session() as session:
        assert [one.id for one in review_queue(session=session, owner="anna")] == ids[1:]
