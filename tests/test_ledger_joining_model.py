"""Whatever the order of readings, joins, corrections, decisions, take-backs, repeats and crashes on several receipts,
the books are as a simple model says.

The model keeps a sheet of paper for each receipt: how it stands, and which receipt it is a further page of. Undo is the
copy of before, of the receipt and of the pages that came with it. A page never hangs on a receipt that has it not.
"""

from __future__ import annotations

import copy
import datetime as dt
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from ledger_helpers import EXTRACTION, begun, claimed, gone, some_fields

from flows.domain.fields import ReceiptFields
from flows.ledger.corrections import InvalidValuesError
from flows.ledger.database import Ledger
from flows.ledger.decisions import (
    Book,
    Decided,
    Decision,
    Dismiss,
    Join,
    NothingToUndoError,
    Undo,
    UnfitReceiptError,
    correct,
    decide,
    restore,
    review_item,
    void,
)
from flows.ledger.errors import FencedError, WrongStateError
from flows.ledger.receipts import get_receipt, record_expense, record_quarantine, record_review
from flows.ledger.schema import DismissReason, Via
from flows.ledger.values import Actor

ANNA = Actor("anna", Via.API)
_RECEIPTS = 4
_ANY = st.integers(0, _RECEIPTS - 1)
_AMOUNTS = st.sampled_from([Decimal("12.50"), Decimal("19.46"), Decimal("19.16"), Decimal(7)])
_ORDERS = st.lists(_ANY, min_size=1, max_size=_RECEIPTS - 1, unique=True)
_REFUSALS = (InvalidValuesError, UnfitReceiptError, WrongStateError)


class CrashedError(Exception):
    """The process ends before its transaction is committed."""


@dataclass
class Sheet:
    """How one receipt stands. `first` is the receipt that it is a further page of."""

    state: str
    settled: str | None = None
    first: int | None = None
    counts: bool = False
    total: Decimal | None = None  # by a person


@dataclass
class Paper:
    """What is kept of one receipt: its sheet, those of before with the pages that came, and what was read."""

    sheet: Sheet
    undone: list[tuple[Sheet, list[int]]] = field(default_factory=list)
    base: Decimal | None = None  # what its expense is made of
    newest: Decimal | None = None
    has_expense: bool = False
    revision: tuple[object, int] = (None, 0)

    def total(self) -> Decimal | None:
        return self.base if self.sheet.total is None else self.sheet.total

    def choose_base(self) -> None:
        if not (self.sheet.counts or (self.sheet.settled and self.has_expense)):
            self.base = self.newest


class Machine(RuleBasedStateMachine):
    """Does anything to a few receipts of one owner, and notes on paper what should have come of it."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__()
        self.ledger, owner = ledger, f"o{uuid4().hex}"
        self.reads = 0
        self.ids: list[UUID] = []
        for number in range(_RECEIPTS):
            attempt = claimed(ledger, f"{owner}/{number}.jpg", uuid4().hex * 2)
            with ledger.session() as session:
                record_review(attempt, self._fields(number, Decimal(number + 1)), EXTRACTION, session=session)
            self.ids.append(attempt.receipt_id)
        self.papers = [
            Paper(Sheet("review"), base=Decimal(number + 1), newest=Decimal(number + 1)) for number in range(_RECEIPTS)
        ]

    def _fields(self, number: int, total: Decimal | None, decision: str = "review") -> ReceiptFields:
        self.reads += 1
        read = some_fields(total=total, purchase_date=dt.date(2026, 11, 1 + number))  # no two the same purchase
        return read.model_copy(update={"decision": decision, "reasons": ("?",), "parser_version": str(self.reads)})

    # What a machine does.

    @rule(number=_ANY, total=st.none() | _AMOUNTS, sure=st.booleans(), dies=st.booleans())
    def read(self, number: int, total: Decimal | None, *, sure: bool, dies: bool) -> None:
        sure = sure and total is not None
        paper, attempt = self.papers[number], begun(self.ledger, self.ids[number], force=True)
        if dies:
            late, attempt = attempt, begun(self.ledger, self.ids[number], process_is_gone=gone)
            with pytest.raises(FencedError), self.ledger.session() as session:
                record_review(late, self._fields(number, total), EXTRACTION, session=session)
        fields = self._fields(number, total, "accept" if sure else "review")
        for _ in range(2):
            with self.ledger.session() as session:
                (record_expense if sure else record_review)(attempt, fields, EXTRACTION, session=session)
        paper.newest = total
        if sure or not (paper.sheet.settled and paper.has_expense):
            paper.base = total
        if paper.sheet.settled is None:
            paper.sheet.state, paper.sheet.counts = ("expensed" if sure else "review"), sure
            paper.has_expense |= sure

    @rule(number=_ANY)
    def fail_to_read(self, number: int) -> None:
        paper, attempt = self.papers[number], begun(self.ledger, self.ids[number], force=True)
        with self.ledger.session() as session:
            record_quarantine(attempt, "broken", session=session)
        if paper.sheet.settled is None:
            paper.sheet.state, paper.sheet.counts, paper.base = "quarantined", False, paper.newest

    # What a person does.

    @rule(number=_ANY, total=st.none() | _AMOUNTS, crashes=st.booleans())
    def book(self, number: int, total: Decimal | None, *, crashes: bool) -> None:
        after = self._booked(number, total)
        given = {} if total is None else {"total": total}
        self._decide(number, Book(given, keep_both=True), {number: after}, fits=after.total is not None, dies=crashes)

    @rule(number=_ANY, reason=st.sampled_from([DismissReason.NOT_MINE, DismissReason.NOT_A_RECEIPT]))
    def dismiss(self, number: int, reason: DismissReason) -> None:
        after = Sheet("dismissed", "dismissed", total=self.papers[number].sheet.total)
        self._decide(number, Dismiss(reason), {number: after}, fits=True)

    @rule(number=_ANY, order=_ORDERS, total=st.none() | _AMOUNTS, crashes=st.booleans())
    def join(self, number: int, order: list[int], total: Decimal | None, *, crashes: bool) -> None:
        fresh = [one for one in order if self.papers[one].sheet.first != number]
        after = {one: Sheet("dismissed", "dismissed", number, total=self.papers[one].sheet.total) for one in fresh}
        whole = self._booked(number, total)
        fits = whole.total is not None and self.papers[number].sheet.first is None and number not in order
        fits &= not any(self.papers[one].sheet.first not in {None, number} or self._pages(one) for one in order)
        wanted = Join([self.ids[one] for one in order], {} if total is None else {"total": total}, keep_both=True)
        self._decide(number, wanted, {number: whole} | after, fits=fits, dies=crashes, pages=fresh)

    @rule(number=_ANY)
    def undo(self, number: int) -> None:
        if not self.papers[number].undone:
            with pytest.raises(NothingToUndoError), self.ledger.session() as session:
                decide(self.ids[number], Undo(), ANNA, session=session)
            return
        with self.ledger.session() as session:
            decide(self.ids[number], Undo(), ANNA, session=session)
        self._undo(number)

    def _undo(self, number: int) -> None:
        paper = self.papers[number]
        paper.sheet, pages = paper.undone.pop()
        paper.choose_base()
        for page in pages:
            if self.papers[page].sheet.first == number:
                self._undo(page)
        if paper.sheet.first is not None and not self._has(paper.sheet.first, number):
            self._undo(number)  # what it was a page of is none any more

    def _has(self, first: int, page: int) -> bool:
        paper = self.papers[first]
        return paper.sheet.first is None and any(page in pages for _, pages in paper.undone)

    @rule(number=_ANY, total=_AMOUNTS)
    def correct(self, number: int, total: Decimal) -> None:
        paper = self.papers[number]
        if (public_id := self._public_id(number)) is None:
            return
        with self.ledger.session() as session:
            if not paper.sheet.counts:
                with pytest.raises(WrongStateError):
                    correct(public_id, {"total": total}, ANNA, session=session)
                return
            changed = correct(public_id, {"total": total}, ANNA, session=session).changed
        assert changed == (paper.sheet.total != total)
        if changed:
            self._note({number: Sheet("expensed", "booked", counts=True, total=total)})

    @rule(number=_ANY)
    def void(self, number: int) -> None:
        paper = self.papers[number]
        if (public_id := self._public_id(number)) is None:
            return
        with self.ledger.session() as session:
            changed = void(public_id, "not ours", ANNA, session=session).changed
        assert changed == paper.sheet.counts
        if changed:
            self._note({number: Sheet("dismissed", "dismissed", total=paper.sheet.total)})

    @rule(number=_ANY)
    def restore(self, number: int) -> None:
        paper = self.papers[number]
        if (public_id := self._public_id(number)) is None or paper.sheet.counts:
            return
        with self.ledger.session() as session:
            if paper.sheet.settled is None:
                with pytest.raises(WrongStateError):
                    restore(public_id, ANNA, session=session)
                return
            restore(public_id, ANNA, session=session)
        self._note({number: Sheet("expensed", "booked", counts=True, total=paper.sheet.total)})

    # The model's arithmetic.

    def _booked(self, number: int, given: Decimal | None) -> Sheet:
        """Booking confirms the total that is seen."""
        total = self.papers[number].total() if given is None else given
        return Sheet("expensed", "booked", counts=True, total=total)

    def _pages(self, number: int) -> list[int]:
        return [page for page, paper in enumerate(self.papers) if paper.sheet.first == number]

    def _decide(
        self,
        number: int,
        decision: Decision,
        after: dict[int, Sheet],
        *,
        fits: bool,
        dies: bool = False,
        pages: list[int] | None = None,
    ) -> None:
        if not fits:
            with pytest.raises(_REFUSALS):
                self._decided(number, decision)
            return
        if dies:
            with pytest.raises(CrashedError):
                self._decided(number, decision, dies=True)
        changed = self._decided(number, decision).changed
        assert not self._decided(number, decision).changed, "twice is once"
        if changed:
            self._note(after, number, pages or [])
        else:
            assert after[number].settled == self.papers[number].sheet.settled
            assert not pages

    def _decided(self, number: int, decision: Decision, *, dies: bool = False) -> Decided:
        with self.ledger.session() as session:
            decided = decide(self.ids[number], decision, ANNA, session=session)
            if dies:
                raise CrashedError
        return decided

    def _note(self, after: dict[int, Sheet], number: int | None = None, pages: list[int] | None = None) -> None:
        for one, sheet in after.items():
            paper = self.papers[one]
            paper.undone.append((copy.copy(paper.sheet), (pages or []) if one == number else []))
            paper.sheet = sheet
            paper.has_expense |= sheet.counts
            paper.choose_base()

    def _public_id(self, number: int) -> str | None:
        with self.ledger.session() as session:
            expenses = review_item(self.ids[number], session=session).expenses
        return expenses[0].public_id if expenses else None

    @invariant()
    def the_books_are_as_on_paper(self) -> None:
        for number, paper in enumerate(self.papers):
            with self.ledger.session() as session:
                receipt = get_receipt(self.ids[number], session=session)
                item = review_item(self.ids[number], session=session)
            first = None if paper.sheet.first is None else self.ids[paper.sheet.first]
            assert (receipt.state, item.settled) == (paper.sheet.state, paper.sheet.settled)
            assert receipt.same_purchase_as == first
            assert (receipt.reason_code == "joined") == (first is not None)
            assert {page.id for page in item.pages} == {self.ids[page] for page in self._pages(number)}
            assert [one.total for one in item.expenses if not one.voided_at] == [paper.total()] * paper.sheet.counts
            self._check_revision(paper, item.expenses)

    def _check_revision(self, paper: Paper, expenses: Any) -> None:
        now = paper.total() if paper.sheet.counts else "void"
        before, revision = paper.revision
        for one in expenses:
            assert (one.revision > revision) if now != before else (one.revision == revision), (before, now)
            paper.revision = now, one.revision


def test_any_order_of_joins_readings_and_decisions_gives_what_the_model_says(ledger: Ledger) -> None:
    run_state_machine_as_test(
        lambda: Machine(ledger),
        settings=settings(
            max_examples=20,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
