"""One way to decide for page, API, command line and flow: corrections, state, outbox and history in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from flows.ledger.corrections import InvalidValuesError, overlaid, parse_values
from flows.ledger.decisions.case import (
    Case,
    book,
    close,
    decided,
    how_it_stands,
    note_corrections,
    note_decision,
    open_case,
    tell,
)
from flows.ledger.decisions.changed_fields import changed_fields, ended_fields
from flows.ledger.decisions.errors import SamePurchaseError, UnfitReceiptError
from flows.ledger.decisions.requests import Book, Decided, Decision, Dismiss, Split, Undo
from flows.ledger.decisions.undoing import undo
from flows.ledger.expenses import ExpenseValues, find_same_purchase, keep_both
from flows.ledger.receipts import void_parts
from flows.ledger.rules import learn
from flows.ledger.schema import DecisionKind, DismissReason, Expense, Receipt, Settlement, State
from flows.ledger.values import Actor

# What a person sees and confirms by booking: a later reading does not change it any more.
_CONFIRMED = ("total", "purchase_date", "currency", "merchant")
# Of what a person corrected before a split, this holds for each part that says nothing else.
_SHARED = ("merchant", "purchase_date", "purchase_time", "currency", "country", "payment_method")
_FEWEST_PARTS, MOST_PARTS = 2, 50
_BOOKED: dict[str, Any] = {"settled": Settlement.BOOKED, "settled_code": None, "settled_reason": None}


def decide(
    receipt_id: UUID,
    decision: Decision,
    actor: Actor,
    *,
    session: Session,
    seen: dt.datetime | None = None,
    owner: str | None = None,
) -> Decided:
    """Decide on a receipt: all of it or, with an error, nothing.

    A receipt that is being read again can be decided on: its expense changes at once, its state when the
    reading ends. To decide the same again changes nothing.

    Args:
        receipt_id: Which receipt.
        decision: What the person decided.
        actor: Who, and by which way.
        session: The transaction.
        seen: The receipt's `updated_at` that the person has looked at; without it nothing is compared.
        owner: Only if it is theirs.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
        WrongStateError: It is a duplicate, or nothing is known of it yet.
        ChangedMeanwhileError: It is not as the person has seen it.
        InvalidValuesError: Values that their fields cannot have, by field.
        SamePurchaseError: It seems to be another receipt's purchase, and the person did not say what of it.
        UnfitReceiptError: A receipt that is named beside it cannot be meant.
        NothingToUndoError: There is no decision to take back.
    """
    with session.begin_nested():
        case = open_case(receipt_id, actor, session=session, seen=seen, owner=owner)
        return _decide(case, decision)


def _decide(opened: Case, decision: Decision) -> Decided:
    match decision:
        case Book():
            return _book(opened, decision)
        case Dismiss():
            return _dismiss(opened, decision)
        case Split():
            return _split(opened, decision)
        case Undo():
            return undo(opened)


def _book(case: Case, decision: Book) -> Decided:
    values = parse_values(decision.corrections)
    changes = {part: dict[str, Any]() for part in range(case.content.parts)}
    take_back = ended_fields(case, 0, decision.take_back)
    changes[0] = changed_fields(case, 0, values, take_back)
    is_booked = case.content.settled is Settlement.BOOKED and case.counting() == set(changes)
    if is_booked and not changes[0] and not take_back:
        return decided(case, changed=False)
    return _book_parts(case, DecisionKind.BOOK, changes, {0: take_back}, keeps_both=decision.keep_both)


def _split(case: Case, decision: Split) -> Decided:
    if not _FEWEST_PARTS <= len(decision.parts) <= MOST_PARTS:
        raise InvalidValuesError({"parts": f"give {_FEWEST_PARTS} to {MOST_PARTS} receipts, each with its total"})
    values = [_part_values(position, part) for position, part in enumerate(decision.parts)]
    before = how_it_stands(case)
    values = [_shared(case, part) | given for part, given in enumerate(values)]
    take_back = {
        part: [field for field in case.standing().values(part) if field not in given]
        for part, given in enumerate(values)
    }
    case.mark(parts=len(values))
    changes = {part: changed_fields(case, part, given, take_back[part]) for part, given in enumerate(values)}
    is_split = before["parts"] == len(values) and before["counting"] == sorted(changes)
    if is_split and not any(take_back.values()) and not any(changes.values()):
        return decided(case, changed=False)
    return _book_parts(case, DecisionKind.SPLIT, changes, take_back, keeps_both=decision.keep_both, previous=before)


def _shared(case: Case, part: int) -> dict[str, Any]:
    """What was corrected of a part, or of the whole before it was split, and holds where nothing else is said."""
    corrected = case.standing().values(part if part < case.content.parts else 0)
    return {name: value for name, value in corrected.items() if name in _SHARED}


def _part_values(position: int, given: Mapping[str, object]) -> dict[str, Any]:
    try:
        return parse_values({"total": None, **given})
    except InvalidValuesError as error:
        raise InvalidValuesError(
            {f"parts/{position}/{field}": problem for field, problem in error.problems.items()}
        ) from None


def _book_parts(
    case: Case,
    kind: DecisionKind,
    changes: dict[int, dict[str, Any]],
    take_back: Mapping[int, list[str]],
    *,
    keeps_both: bool,
    previous: dict[str, Any] | None = None,
) -> Decided:
    made = note_decision(case, kind, previous or how_it_stands(case))
    for part, changed in changes.items():
        note_corrections(case, made, part, changed, take_back=take_back.get(part, ()))
    standing, read = case.standing(), case.read()
    values = {part: overlaid(read, standing.values(part)) for part in changes}
    for part, whole in values.items():
        note_corrections(case, made, part, _confirmed(whole, standing.values(part)))
    _refuse_unfit(case, values, keeps_both=keeps_both)
    case.mark(**_BOOKED, settled_as=None)
    book(case, set(values))
    close(case, State.EXPENSED)
    learn(case.content, session=case.session)
    tell(case, made, kind)
    return decided(case)


def _confirmed(values: ExpenseValues, corrected: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field: values.columns[field]
        for field in _CONFIRMED
        if field not in corrected and values.columns[field] is not None
    }


def _refuse_unfit(case: Case, values: dict[int, ExpenseValues], *, keeps_both: bool) -> None:
    """Refuse what has no total, and what seems to be posted already; days in order, as each takes a lock."""
    if any(one.columns["total"] is None for one in values.values()):
        raise InvalidValuesError({"total": "none was read; give it"})
    if case.content.settled is Settlement.BOOKED:
        return
    for one in sorted(values.values(), key=lambda one: str(one.columns["purchase_date"])):
        while other := find_same_purchase(case.receipt, one, session=case.session):
            if not keeps_both:
                raise SamePurchaseError(case.receipt.id, other)
            keep_both(case.receipt, other, session=case.session)


def _dismiss(case: Case, decision: Dismiss) -> Decided:
    code = DismissReason(decision.reason)
    other = _repeated(case, decision) if code is DismissReason.DUPLICATE_OF else None
    marks = {"settled": Settlement.DISMISSED, "settled_code": code.value, "settled_as": other.id if other else None}
    if all(getattr(case.content, name) == value for name, value in marks.items()):
        return decided(case, changed=False)
    reason = _in_words(code, other)
    made = note_decision(case, DecisionKind.DISMISS, how_it_stands(case), code=code.value, reason=reason)
    void_parts(case.receipt, (reason,), (), session=case.session)
    if case.reading is not None:  # what they are made of if this is taken back
        mine = update(Expense).where(col(Expense.content_id) == case.content.id)
        case.session.execute(mine.values(extraction_id=case.reading.id))
    case.mark(**marks, settled_reason=reason)
    close(case, State.DISMISSED, code=code.value, reason=reason, same_purchase_as=marks["settled_as"])
    tell(case, made, DecisionKind.DISMISS, code=code.value)
    return decided(case)


def _repeated(case: Case, decision: Dismiss) -> Receipt:
    if decision.duplicate_of is None:
        raise UnfitReceiptError("duplicate_of", "name the receipt that it repeats")
    query = select(Receipt).where(Receipt.id == decision.duplicate_of, Receipt.owner == case.receipt.owner)
    other = case.session.exec(query).one_or_none()
    if other is None:
        raise UnfitReceiptError("duplicate_of", f"there is no receipt {decision.duplicate_of}")
    if other.content_id == case.content.id:
        raise UnfitReceiptError("duplicate_of", "that is this receipt itself, or a copy of it")
    if other.state is State.DISMISSED:
        raise UnfitReceiptError("duplicate_of", f"receipt {other.id} is dismissed itself")
    return other


def _in_words(code: DismissReason, other: Receipt | None) -> str:
    words = {
        DismissReason.NOT_A_RECEIPT: "It is not a receipt.",
        DismissReason.NOT_MINE: "It is not the owner's receipt.",
    }
    return words.get(code) or f"It repeats receipt {other.id if other else ''}."
