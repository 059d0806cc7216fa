"""Categories are the owner's: a default set, made, renamed, merged, archived; what has one follows, also a correction
that was given an old name."""

from __future__ import annotations

from decimal import Decimal
from functools import partial
from uuid import UUID

import pytest
from ledger_helpers import expensed, race
from test_ledger_decisions import ANNA, corrected, in_review, read_again

from flows.ledger.categories import (
    CategoryNotFoundError,
    CategoryTakenError,
    CategoryView,
    InvalidCategoryError,
    archive_category,
    list_categories,
    make_category,
    merge_categories,
    rename_category,
)
from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.decisions import Book, decide
from flows.ledger.expenses import Sum, SumsBy, Wanted, find_expenses, sum_expenses
from flows.ledger.receipts import show_receipt


def listed(ledger: Ledger, owner: str = "anna", *, archived: bool = False) -> dict[str, UUID]:
    with ledger.session() as session:
        return {one.name: one.id for one in list_categories(owner, archived=archived, session=session)}


def posted(ledger: Ledger) -> str:
    """The public id of anna's one expense."""
    with ledger.session() as session:
        return find_expenses(session=session).items[0].public_id


def category_of(ledger: Ledger) -> str | None:
    with ledger.session() as session:
        return find_expenses(session=session).items[0].category


def test_an_owner_begins_with_a_default_set_of_their_own(ledger: Ledger) -> None:
    assert {"Groceries", "Fuel", "Other"} <= set(listed(ledger))
    with ledger.session() as session:
        made = make_category("anna", "  Client   lunches ", session=session)
    assert made.name == "Client lunches"
    assert "Client lunches" in listed(ledger)
    assert "Client lunches" not in listed(ledger, "bert")


def test_eight_at_once_begin_with_one_set(ledger: Ledger) -> None:
    race([partial(listed, ledger)] * 8)
    assert len(listed(ledger)) == 19


@pytest.mark.parametrize("name", ["", "  ", "!!", "x" * 61, "a\nb\x07", "a\u202eb"])
def test_a_name_that_is_none_is_refused(ledger: Ledger, name: str) -> None:
    with pytest.raises(InvalidCategoryError, match="name: give 1 to 60"), ledger.session() as session:
        make_category("anna", name, session=session)


def test_a_category_is_given_by_its_name_in_any_case_and_must_be_there(ledger: Ledger) -> None:
    expensed(ledger)
    corrected(ledger, posted(ledger), {"category": "GROCERIES", "tags": "trip, Vienna,trip"})
    with ledger.session() as session:
        (expense,) = find_expenses(Wanted(category="Groceries", tag="Vienna"), session=session)
        assert (expense.category, expense.tags) == ("Groceries", ["Vienna", "trip"])
        assert len(find_expenses(text="vienna", session=session)) == 1
        assert not find_expenses(category="", session=session).items
    with pytest.raises(InvalidValuesError, match="category: there is no category 'Gold'; make it first"):
        corrected(ledger, posted(ledger), {"category": "Gold"})
    corrected(ledger, posted(ledger), {"category": None, "tags": None})
    with ledger.session() as session:
        assert find_expenses(category="", session=session).items[0].tags == []


@pytest.mark.parametrize("tags", [7, ["a,b"], ["x" * 61], [f"{n}" for n in range(31)], [None]])
def test_tags_that_are_none_are_refused_by_name(ledger: Ledger, tags: object) -> None:
    expensed(ledger)
    with pytest.raises(InvalidValuesError, match=r"^tags: "):
        corrected(ledger, posted(ledger), {"tags": tags})


def test_a_rename_takes_expenses_lines_and_old_corrections_along(ledger: Ledger) -> None:
    attempt = expensed(ledger)
    corrected(ledger, posted(ledger), {"category": "Groceries", "line_items/1/category": "Gifts"})
    ids = listed(ledger)
    with ledger.session() as session:
        rename_category(ids["Groceries"], "Food", owner="anna", session=session)
        merge_categories(ids["Gifts"], ids["Leisure"], owner="anna", session=session)
    assert category_of(ledger) == "Food"
    read_again(ledger, attempt.receipt_id, total=Decimal(13))
    with ledger.session() as session:
        detail = show_receipt(attempt.receipt_id, session=session)
    assert detail.expense is not None
    assert (detail.expense.category, detail.expense.total) == ("Food", Decimal(13))
    assert [line.category for line in detail.line_items] == ["Leisure", None]
    corrected(ledger, posted(ledger), {"category": "groceries"})
    assert category_of(ledger) == "Food"


def test_a_name_that_another_one_had_is_not_given_again(ledger: Ledger) -> None:
    ids = listed(ledger)
    with ledger.session() as session:
        rename_category(ids["Travel"], "Business trips", owner="anna", session=session)
    for name in ("Travel", "fuel"):
        with pytest.raises(CategoryTakenError, match="choose another name"), ledger.session() as session:
            make_category("anna", name, session=session)
    with ledger.session() as session:
        assert rename_category(ids["Travel"], "Travel", owner="anna", session=session).name == "Travel"


def test_an_archived_category_stays_where_it_is_and_is_not_given_any_more(ledger: Ledger) -> None:
    expensed(ledger)
    corrected(ledger, posted(ledger), {"category": "Fuel"})
    fuel = listed(ledger)["Fuel"]
    with ledger.session() as session:
        archive_category(fuel, owner="anna", session=session)
    assert ("Fuel" in listed(ledger), "Fuel" in listed(ledger, archived=True)) == (False, True)
    with pytest.raises(InvalidValuesError, match="line_items/2/category: there is no category 'Fuel'"):
        corrected(ledger, posted(ledger), {"line_items/2/category": "Fuel"})
    assert category_of(ledger) == "Fuel"
    with ledger.session() as session:
        assert make_category("anna", "Fuel", session=session).id == fuel


def test_another_owners_category_is_none(ledger: Ledger) -> None:
    fuel = listed(ledger)["Fuel"]
    changes = (
        partial(rename_category, fuel, "Petrol"),
        partial(archive_category, fuel),
        partial(merge_categories, fuel, fuel.__class__(int=1)),
    )
    for change in changes:
        with pytest.raises(CategoryNotFoundError), ledger.session() as session:
            change(owner="bert", session=session)
    with pytest.raises(InvalidCategoryError, match="into: "), ledger.session() as session:
        merge_categories(fuel, fuel, owner="anna", session=session)


def test_a_rename_and_a_posting_at_once_leave_one_name(ledger: Ledger) -> None:
    receipt_id = in_review(ledger)
    groceries = listed(ledger)["Groceries"]

    def rename() -> CategoryView:
        with ledger.session() as session:
            return rename_category(groceries, "Food", owner="anna", session=session)

    def book() -> object:
        with ledger.session() as session:
            return decide(receipt_id, Book({"category": "Groceries"}), ANNA, session=session)

    assert not [one for one in race([rename, book]) if isinstance(one, Exception)]
    assert category_of(ledger) == "Food"


def test_a_line_of_another_category_counts_there(ledger: Ledger) -> None:
    expensed(ledger, total=Decimal("12.50"))
    corrected(ledger, posted(ledger), {"category": "Groceries", "line_items/1/category": "Gifts"})
    expensed(ledger, "anna/2", "cd" * 32, total=Decimal(7))
    with ledger.session() as session:
        sums = sum_expenses(SumsBy.CATEGORY, Wanted(owner="anna"), session=session)
        assert len(find_expenses(Wanted(category="Gifts"), session=session)) == 1
    assert sorted(sums, key=str) == [
        Sum("Gifts", 1, {"EUR": Decimal("4.50")}),
        Sum("Groceries", 1, {"EUR": Decimal("8.00")}),
        Sum(None, 1, {"EUR": Decimal(7)}),
    ]
