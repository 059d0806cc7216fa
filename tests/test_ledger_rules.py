"""What a person says of one receipt is chosen for the next: by rules that say why, that a person can switch off, that
act forward only, and of which none is made where a mark was seen with several names."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from itertools import count as numbers

import pytest
from ledger_helpers import begun, claimed, count, found, race, some_fields
from sqlmodel import delete
from test_ledger_decisions import ANNA, corrected, decided

from flows.domain.fields import ReceiptFields
from flows.ledger.categories import archive_category, list_categories, rename_category
from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.decisions import Book, Split, Undo, review_item
from flows.ledger.expenses import find_expenses
from flows.ledger.receipts import delete_receipt, record_expense, record_review
from flows.ledger.rules import (
    RuleNotFoundError,
    RuleView,
    apply_rules,
    list_rules,
    make_rule,
    remove_rule,
    switch_rule,
)
from flows.ledger.schema import ContentIdentity, RuleKind
from flows.ledger.values import Attempt, Extraction
from flows.ledger.views import ExpenseView

PHONE = "+49 89 1234567"
_days = numbers()


def a_reading(merchant: str | None = "ALD1 SUED", phone: str | None = PHONE) -> ReceiptFields:
    """One of a purchase of its own."""
    day = dt.date(2026, 1, 1) + dt.timedelta(next(_days) % 300)
    fields = some_fields(merchant=merchant, purchase_date=day, total=Decimal(next(_days) + 1))
    return fields.model_copy(update={"merchant_phone": found(phone) if phone else None})


def recorded(
    ledger: Ledger, number: int, reading: ReceiptFields | None = None, text: str = "", owner: str = "anna"
) -> Attempt:
    """An attempt at a receipt that was read, as the flow records it."""
    attempt = claimed(ledger, f"{owner}/{number}", f"{number:064x}")
    record(ledger, attempt, reading or a_reading(), text, owner)
    return attempt


def record(ledger: Ledger, attempt: Attempt, reading: ReceiptFields, text: str = "", owner: str = "anna") -> None:
    with ledger.session() as session:
        fields = apply_rules(owner, reading, text, session=session)
        read = Extraction("tesseract", "1", text=text)
        if fields.decision == "review":
            record_review(attempt, fields, read, session=session)
        else:
            record_expense(attempt, fields, read, session=session)


def expense_of(ledger: Ledger, attempt: Attempt) -> ExpenseView:
    with ledger.session() as session:
        (expense,) = (one for one in find_expenses(session=session) if one.receipt_id == attempt.receipt_id)
    return expense


def merchant_of(ledger: Ledger, attempt: Attempt) -> str | None:
    return expense_of(ledger, attempt).merchant


def correct(ledger: Ledger, attempt: Attempt, **fields: object) -> None:
    corrected(ledger, expense_of(ledger, attempt).public_id, fields)


def rules(ledger: Ledger, kind: RuleKind | None = None, owner: str = "anna") -> dict[str, RuleView]:
    with ledger.session() as session:
        return {one.identity_kind: one for one in list_rules(owner, kind=kind, session=session)}


def test_a_corrected_name_names_the_next_receipt_and_says_why(ledger: Ledger) -> None:
    first = recorded(ledger, 1)
    correct(ledger, first, merchant="Aldi Süd")
    second = recorded(ledger, 2, a_reading("A1DI 5UED"))
    assert merchant_of(ledger, second) == "Aldi Süd"
    with ledger.session() as session:
        item = review_item(second.receipt_id, session=session)
    (merchant,) = (field for field in item.fields if field.name == "merchant")
    rule = rules(ledger)["phone"]
    assert merchant.why == f"named by anna on {rule.made_at:%Y-%m-%d} (rule {rule.id}, known by its phone number)"
    assert item.read is not None
    assert item.read.choices[0].machine == "A1DI 5UED"
    assert (rule.made_from, rule.uses, rule.result) == (first.receipt_id, 1, "Aldi Süd")


def test_rules_act_forward_only_and_for_their_owner_only(ledger: Ledger) -> None:
    earlier, first = recorded(ledger, 1), recorded(ledger, 2)
    correct(ledger, first, merchant="Aldi Süd")
    assert merchant_of(ledger, earlier) == "ALD1 SUED"
    correct(ledger, earlier, total="3.00")
    assert merchant_of(ledger, earlier) == "ALD1 SUED"
    assert merchant_of(ledger, recorded(ledger, 3, owner="bert")) == "ALD1 SUED"


def test_a_rules_choice_is_the_machines_and_a_later_reading_may_change_it(ledger: Ledger) -> None:
    correct(ledger, recorded(ledger, 1), merchant="Aldi Süd")
    second = recorded(ledger, 2)
    again = begun(ledger, second.receipt_id, force=True)
    record(ledger, again, a_reading("Lidl", phone="030 7654321").model_copy(update={"parser_version": "2"}))
    assert merchant_of(ledger, second) == "Lidl"
    assert rules(ledger)["phone"].uses == 0


def test_a_receipt_in_doubt_for_its_name_alone_is_posted(ledger: Ledger) -> None:
    correct(ledger, recorded(ledger, 1), merchant="Aldi Süd")
    doubted = a_reading("xx").model_copy(update={"decision": "review", "reasons": ("merchant: nothing supports xx",)})
    assert merchant_of(ledger, recorded(ledger, 2, doubted)) == "Aldi Süd"


def test_a_mark_that_was_seen_with_several_names_makes_no_rule(ledger: Ledger) -> None:
    first, second = recorded(ledger, 1, a_reading("first")), recorded(ledger, 2, a_reading("second"))
    correct(ledger, first, merchant="Bershka")
    assert not rules(ledger)["phone"].disabled
    correct(ledger, second, merchant="Pull&Bear")
    phone = rules(ledger)["phone"]
    assert (phone.disabled, phone.disabled_reason) == (True, "seen with several: Pull&Bear, Bershka")
    assert merchant_of(ledger, recorded(ledger, 3, a_reading("third"))) == "third"
    assert merchant_of(ledger, recorded(ledger, 4, a_reading("first", phone="030 7654321"))) == "Bershka"
    correct(ledger, second, merchant="Bershka Zürich")
    assert rules(ledger)["phone"].disabled is False


def test_the_newest_spelling_of_one_name_counts(ledger: Ledger) -> None:
    first = recorded(ledger, 1)
    correct(ledger, first, merchant="Aldi")
    second = recorded(ledger, 2)
    correct(ledger, second, merchant="ALDI Süd")
    assert merchant_of(ledger, recorded(ledger, 3)) == "ALDI Süd"


def test_to_confirm_what_was_read_says_that_this_printed_name_is_right_and_no_more(ledger: Ledger) -> None:
    doubted = a_reading("MR. DIY (M)").model_copy(update={"decision": "review", "reasons": ("merchant: only likely",)})
    first = recorded(ledger, 1, doubted)
    decided(ledger, first.receipt_id, Book())
    assert set(rules(ledger)) == {"name"}
    assert merchant_of(ledger, recorded(ledger, 2, a_reading("MR. DIY (KUCHAI)"))) == "MR. DIY (KUCHAI)"
    again = a_reading("Mr DIY (M)").model_copy(update={"decision": "review", "reasons": ("merchant: only likely",)})
    assert merchant_of(ledger, recorded(ledger, 3, again)) == "MR. DIY (M)"


def test_what_is_taken_back_is_not_learned_any_more(ledger: Ledger) -> None:
    first = recorded(ledger, 1)
    decided(ledger, first.receipt_id, Book({"merchant": "Aldi Süd"}))
    assert rules(ledger)
    decided(ledger, first.receipt_id, Undo())
    assert rules(ledger) == {}


def test_a_rule_that_a_person_switched_off_stays_off(ledger: Ledger) -> None:
    first = recorded(ledger, 1, a_reading(None))
    correct(ledger, first, merchant="Aldi Süd")
    rule = rules(ledger)["phone"]
    with ledger.session() as session:
        off = switch_rule(rule.id, "anna", owner="anna", disabled=True, session=session)
    assert (off.disabled_reason, off.set_by) == ("switched off by anna", "anna")
    second = recorded(ledger, 2, a_reading(None))
    assert merchant_of(ledger, second) is None
    correct(ledger, second, merchant="Aldi Süd")
    assert rules(ledger)["phone"].disabled
    with ledger.session() as session:
        switch_rule(rule.id, "anna", owner="anna", disabled=False, session=session)
    assert merchant_of(ledger, recorded(ledger, 3, a_reading(None))) == "Aldi Süd"
    for owner, rule_id in (("bert", rule.id), ("anna", 10**12)):
        with pytest.raises(RuleNotFoundError, match="there is no rule"), ledger.session() as session:
            switch_rule(rule_id, "x", owner=owner, disabled=True, session=session)


def test_a_category_is_chosen_for_the_merchants_next_expense(ledger: Ledger) -> None:
    first = recorded(ledger, 1, a_reading("Aldi"))
    correct(ledger, first, category="groceries")
    second = recorded(ledger, 2, a_reading("ALDI", phone=None))
    assert expense_of(ledger, second).category == "Groceries"
    with ledger.session() as session:
        item = review_item(second.receipt_id, session=session)
    (why,) = (field.why for field in item.fields if field.name == "category")
    assert why is not None
    assert why.startswith("chosen by anna on ")


def test_a_merchant_of_several_categories_gets_none(ledger: Ledger) -> None:
    for number, category in enumerate(("Software", "Clothing"), 1):
        correct(ledger, recorded(ledger, number, a_reading("Amazon", phone=None)), category=category)
    rule = rules(ledger, RuleKind.CATEGORY)["merchant"]
    assert (rule.disabled, rule.disabled_reason) == (True, "seen with several: Clothing, Software")
    assert expense_of(ledger, recorded(ledger, 3, a_reading("Amazon", phone=None))).category is None


def test_a_category_rule_follows_a_rename_and_ends_with_the_category(ledger: Ledger) -> None:
    correct(ledger, recorded(ledger, 1, a_reading("Aldi")), category="Groceries")
    with ledger.session() as session:
        ids = {one.name: one.id for one in list_categories("anna", session=session)}
        rename_category(ids["Groceries"], "Food", owner="anna", session=session)
    assert expense_of(ledger, recorded(ledger, 2, a_reading("Aldi"))).category == "Food"
    with ledger.session() as session:
        archive_category(ids["Groceries"], owner="anna", session=session)
    assert expense_of(ledger, recorded(ledger, 3, a_reading("Aldi"))).category is None


def test_what_was_deleted_leaves_no_rule_behind(ledger: Ledger) -> None:
    attempts = [recorded(ledger, number) for number in (1, 2)]
    for attempt in attempts:
        correct(ledger, attempt, merchant="Aldi Süd")
    for attempt in reversed(attempts):
        assert rules(ledger)["phone"].made_from == attempt.receipt_id
        with ledger.session() as session:
            delete_receipt(attempt.receipt_id, "asked for", session=session)
    assert [count(ledger, table) for table in ("rules", "rule_uses", "content_identities")] == [0, 0, 0]


def test_several_receipts_on_one_picture_teach_nothing(ledger: Ledger) -> None:
    attempt = recorded(ledger, 1)
    decided(ledger, attempt.receipt_id, Split([{"total": "1", "merchant": "A"}, {"total": "2", "merchant": "B"}]))
    assert rules(ledger) == {}


def test_two_that_name_one_mark_otherwise_at_once_make_it_too_broad(ledger: Ledger) -> None:
    attempts = [recorded(ledger, number, a_reading(None)) for number in range(1, 5)]

    def name(attempt: Attempt, merchant: str) -> None:
        correct(ledger, attempt, merchant=merchant)

    names = ("Bershka", "Pull&Bear", "Zara", "Oysho")
    failed = race([lambda a=attempt, n=names[i]: name(a, n) for i, attempt in enumerate(attempts)])  # type: ignore[misc]
    assert failed == [None] * 4
    assert rules(ledger)["phone"].disabled


def test_a_receipt_that_was_read_before_there_were_marks_teaches_too(ledger: Ledger) -> None:
    first = recorded(ledger, 1, text="www.aldi-sued.de")
    with ledger.session() as session:
        session.execute(delete(ContentIdentity))
    correct(ledger, first, merchant="Aldi Süd")
    assert set(rules(ledger)) == {"phone", "name", "domain"}


def test_tags_and_categories_are_shown_with_what_was_read(ledger: Ledger) -> None:
    attempt = recorded(ledger, 1)
    correct(ledger, attempt, tags=["trip"], category="Travel")
    with ledger.session() as session:
        fields = {field.name: field for field in review_item(attempt.receipt_id, session=session).fields}
    assert (fields["tags"].value, fields["category"].value, fields["tags"].differs) == (["trip"], "Travel", False)


def test_learning_twice_changes_nothing(ledger: Ledger) -> None:
    first = recorded(ledger, 1)
    correct(ledger, first, merchant="Aldi Süd")
    before = rules(ledger)
    decided(ledger, first.receipt_id, Book({"merchant": "Aldi Süd"}), ANNA)
    assert rules(ledger) == before


def test_a_rule_made_by_hand_goes_before_what_is_learned_and_stays(ledger: Ledger) -> None:
    with ledger.session() as session:
        named = make_rule("anna", "ALD1-SUED", RuleKind.MERCHANT, " Aldi  Süd ", "anna", session=session)
        make_rule("anna", "aldi süd", RuleKind.CATEGORY, "groceries", "anna", session=session)
        assert (named.by_hand, named.made_from, named.result) == (True, None, "Aldi Süd")
    first = recorded(ledger, 1)
    assert (expense_of(ledger, first).merchant, expense_of(ledger, first).category) == ("Aldi Süd", "Groceries")
    correct(ledger, first, merchant="Hofer", category=None)  # learned for its phone number, and for that name
    assert merchant_of(ledger, recorded(ledger, 2)) == "Aldi Süd"
    with ledger.session() as session:
        again = make_rule("anna", "ALD1 SUED", RuleKind.MERCHANT, "ALDI", "ben", session=session)
        assert (again.id, again.made_by, again.uses) == (named.id, "ben", 2)
    assert merchant_of(ledger, recorded(ledger, 3)) == "ALDI"
    with ledger.session() as session:
        delete_receipt(first.receipt_id, "asked for", session=session)
        remove_rule(named.id, owner="anna", session=session)
        with pytest.raises(RuleNotFoundError):
            remove_rule(named.id, owner="anna", session=session)
    assert merchant_of(ledger, recorded(ledger, 4)) == "ALD1 SUED"


def test_a_rule_by_hand_that_cannot_be_is_refused(ledger: Ledger) -> None:
    correct(ledger, recorded(ledger, 1), merchant="Aldi Süd")
    learned = rules(ledger)["phone"]
    for printed, kind, result in (
        ("?!", RuleKind.MERCHANT, "Aldi"),
        ("x" * 201, RuleKind.MERCHANT, "Aldi"),
        ("Aldi", RuleKind.MERCHANT, "  "),
        ("Aldi", RuleKind.MERCHANT, "y" * 201),
        ("Aldi", RuleKind.CATEGORY, "no such category"),
    ):
        with ledger.session() as session, pytest.raises(InvalidValuesError):
            make_rule("anna", printed, kind, result, "anna", session=session)
    with ledger.session() as session, pytest.raises(RuleNotFoundError):
        remove_rule(learned.id, owner="anna", session=session)  # learned ones are switched off
    assert rules(ledger)["phone"] == learned
