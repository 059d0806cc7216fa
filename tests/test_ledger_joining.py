"""Several pictures of one receipt become one expense with further pages, and go back to what they were."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from ledger_helpers import EXTRACTION, begun, claimed, expensed, race, received, some_fields, state_of

from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.decisions import (
    Book,
    Decided,
    Decision,
    Dismiss,
    Join,
    Split,
    Undo,
    UnfitReceiptError,
    decide,
    history,
    review_item,
)
from flows.ledger.errors import LedgerUnavailableError, ReceiptNotFoundError, WrongStateError
from flows.ledger.expenses import find_expenses
from flows.ledger.receipts import delete_receipt, get_receipt, record_expense, record_review
from flows.ledger.schema import DismissReason, Via
from flows.ledger.values import Actor, Settled

ANNA = Actor("anna", Via.API)


def posted(ledger: Ledger, number: int, owner: str = "anna") -> UUID:
    """A receipt that was booked by its reading, as a purchase of its own."""
    return expensed(ledger, f"{owner}/{number}.jpg", f"{number:064x}", total=number).receipt_id


def unsure(ledger: Ledger, number: int, **fields: object) -> UUID:
    """A receipt in review."""
    attempt = claimed(ledger, f"anna/{number}.jpg", f"{number:064x}")
    read = some_fields(**{"total": Decimal(number)} | fields).model_copy(
        update={"decision": "review", "reasons": ("?",)}
    )
    with ledger.session() as session:
        record_review(attempt, read, EXTRACTION, session=session)
    return attempt.receipt_id


def decided(ledger: Ledger, receipt_id: UUID, decision: Decision, owner: str | None = None) -> Decided:
    with ledger.session() as session:
        return decide(receipt_id, decision, ANNA, session=session, owner=owner)


def counting(ledger: Ledger) -> list[Decimal]:
    with ledger.session() as session:
        return sorted(one.total for one in find_expenses(session=session))


def test_pages_are_one_expense_and_undo_brings_all_back(ledger: Ledger) -> None:
    first, second, third = unsure(ledger, 1, total=None), posted(ledger, 2), unsure(ledger, 3)
    with pytest.raises(InvalidValuesError):
        decided(ledger, first, Join([second, third]))  # nothing says the total
    assert [state_of(ledger, one) for one in (first, second, third)] == ["review", "expensed", "review"]
    wanted = Join([second, third], {"total": "20.00"})
    joined = decided(ledger, first, wanted)
    assert (joined.state, joined.changed, counting(ledger)) == ("expensed", True, [Decimal("20.00")])
    assert decided(ledger, first, wanted).changed is False
    with ledger.session() as session:
        page = get_receipt(second, session=session)
        assert (page.state, page.reason_code, page.same_purchase_as) == ("dismissed", "joined", first)
        assert [one.id for one in review_item(first, session=session).pages] == [second, third]
        told = next(line for line in history(first, session=session) if line.what == "join")
        assert (told.who, told.reason) == ("anna", "Further pages: 2.jpg, 3.jpg")
        assert [line.who for line in history(second, session=session) if line.what == "join"] == ["anna"]
    undone = decided(ledger, first, Undo())
    assert (undone.state, counting(ledger)) == ("review", [Decimal(2)])
    assert [state_of(ledger, one) for one in (first, second, third)] == ["review", "expensed", "review"]
    with ledger.session() as session:
        assert review_item(first, session=session).corrections == ()


def test_a_single_page_is_taken_back_and_stays_so(ledger: Ledger) -> None:
    first, second, third = posted(ledger, 1), posted(ledger, 2), posted(ledger, 3)
    decided(ledger, first, Join([second]))
    decided(ledger, first, Join([second, third]))
    decided(ledger, second, Undo())
    assert counting(ledger) == [Decimal(1), Decimal(2)]
    decided(ledger, first, Undo())  # the second joining, whose new page is the third
    assert counting(ledger) == [Decimal(1), Decimal(2), Decimal(3)]
    decided(ledger, first, Undo())
    assert counting(ledger) == [Decimal(1), Decimal(2), Decimal(3)]


def test_a_page_that_is_read_again_stays_a_page_and_corrections_stay(ledger: Ledger) -> None:
    first, second = posted(ledger, 1), posted(ledger, 2)
    decided(ledger, first, Join([second], {"total": "9.00", "line_items": [{"description": "Brot", "total": "9"}]}))
    for receipt_id, total in ((second, 7), (first, 8)):
        attempt = begun(ledger, receipt_id, force=True)
        read = some_fields(total=total).model_copy(update={"parser_version": "2"})
        with ledger.session() as session:
            assert isinstance(record_expense(attempt, read, EXTRACTION, session=session), Settled)
    assert (state_of(ledger, second), counting(ledger)) == ("dismissed", [Decimal("9.00")])


def test_a_page_while_it_is_read_again_and_after_the_first_is_deleted(ledger: Ledger) -> None:
    first, second = posted(ledger, 1), posted(ledger, 2)
    attempt = begun(ledger, second, force=True)
    decided(ledger, first, Join([second]))
    with ledger.session() as session:
        record_expense(attempt, some_fields(total=2), EXTRACTION, session=session)
    assert (state_of(ledger, second), counting(ledger)) == ("dismissed", [Decimal(1)])
    with ledger.session() as session:
        delete_receipt(first, "asked for", session=session)
    decided(ledger, second, Undo())
    assert counting(ledger) == [Decimal(2)]


def test_what_cannot_be_a_page_is_refused_and_nothing_changes(ledger: Ledger) -> None:
    first, second, third, fourth = (posted(ledger, number) for number in (1, 2, 3, 4))
    other, unread = posted(ledger, 5, owner="bert"), received(ledger, "anna/unread.jpg")
    decided(ledger, second, Join([third]))
    before = counting(ledger)
    for pages, words in (
        ([], "1 to 50"),
        ([uuid4() for _ in range(51)], "1 to 50"),
        ([fourth, fourth], "twice"),
        ([first], "this receipt itself"),
        ([fourth, other], "pages/1: there is no receipt"),
        ([uuid4()], "there is no receipt"),
        ([third], "is a page of receipt"),
        ([second], "has further pages itself"),
    ):
        with pytest.raises(UnfitReceiptError, match=words):
            decided(ledger, first, Join(pages))
    with pytest.raises(WrongStateError):
        decided(ledger, first, Join([unread]))
    with pytest.raises(WrongStateError, match="a page of receipt"):
        decided(ledger, third, Join([fourth]))
    with pytest.raises(ReceiptNotFoundError):
        decided(ledger, first, Join([fourth]), owner="bert")
    decided(ledger, fourth, Split([{"total": "1.50"}, {"total": "2.50"}]))
    with pytest.raises(WrongStateError, match="split"):
        decided(ledger, fourth, Join([first]))
    decided(ledger, fourth, Undo())
    assert counting(ledger) == before


def test_a_page_that_is_the_same_purchase_or_dismissed_can_be_joined(ledger: Ledger) -> None:
    first, second = posted(ledger, 1), posted(ledger, 2)
    third = unsure(ledger, 3, total=Decimal(2))
    decided(ledger, second, Dismiss(DismissReason.NOT_MINE))
    decided(ledger, third, Join([second, first]))
    assert counting(ledger) == [Decimal(2)]
    decided(ledger, third, Undo())
    assert (counting(ledger), state_of(ledger, second)) == ([Decimal(1)], "dismissed")


def test_joined_crosswise_at_once_one_wins_and_nobody_waits_for_ever(ledger: Ledger) -> None:
    for turn in range(4):
        one, other = posted(ledger, 10 + 2 * turn), posted(ledger, 11 + 2 * turn)
        outcomes = race(
            [
                lambda a=one, b=other: decided(ledger, a, Join([b])),  # type: ignore[misc]  # bound now
                lambda a=one, b=other: decided(ledger, b, Join([a])),  # type: ignore[misc]  # bound now
                lambda a=one: decided(ledger, a, Book({"notes": "mine"})),  # type: ignore[misc]  # bound now
            ]
        )
        assert not [each for each in outcomes if isinstance(each, LedgerUnavailableError)], outcomes
        states = sorted(state_of(ledger, each) for each in (one, other))
        assert states in (["dismissed", "expensed"], ["expensed", "expensed"]), outcomes


def test_a_page_comes_back_as_its_own_receipt_where_it_is_a_page_of_nothing_any_more(ledger: Ledger) -> None:
    first, page, other = posted(ledger, 1), posted(ledger, 2), posted(ledger, 3)
    decided(ledger, first, Join([page]))
    decided(ledger, page, Dismiss(DismissReason.NOT_MINE))
    decided(ledger, first, Undo())  # the page is dismissed otherwise, and stays so
    assert (state_of(ledger, page), counting(ledger)) == ("dismissed", [Decimal(1), Decimal(3)])
    undone = decided(ledger, page, Undo())
    assert (undone.state, counting(ledger)) == ("expensed", [Decimal(1), Decimal(2), Decimal(3)])
    decided(ledger, first, Join([page]))
    decided(ledger, page, Dismiss(DismissReason.NOT_MINE))
    decided(ledger, other, Join([first]))  # which has no page at that moment
    undone = decided(ledger, page, Undo())
    assert (undone.state, counting(ledger)) == ("expensed", [Decimal(2), Decimal(3)])
    with ledger.session() as session:
        assert review_item(first, session=session).pages == ()
