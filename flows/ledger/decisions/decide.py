"""One way to decide for page, API, command line and flow: corrections, state, outbox and history in one transaction."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlmodel import Session, select

from flows.ledger.corrections import InvalidValuesError, parse_values
from flows.ledger.decisions.booking import book_whole
from flows.ledger.decisions.case import Case, decided, how_it_stands, note_decision, open_case, set_aside, tell
from flows.ledger.decisions.changed_fields import changed_fields, ended_fields
from flows.ledger.decisions.errors import UnfitReceiptError
from flows.ledger.decisions.joining import join, lock_with_pages
from flows.ledger.decisions.requests import Book, Decided, Decision, Dismiss, Join, Split, Undo
from flows.ledger.decisions.undoing import undo
from flows.ledger.schema import DecisionKind, DismissReason, Receipt, Settlement, State
from flows.ledger.values import Actor

# Of what a person corrected before a split, this holds for each part that says nothing else.
_SHARED = ("merchant", "purchase_date", "purchase_time", "currency", "country", "payment_method")
_FEWEST_PARTS, MOST_PARTS = 2, 50


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
        lock_with_pages(receipt_id, decision, session=session)
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
        case Join():
            return join(opened, decision)
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
    return book_whole(case, DecisionKind.BOOK, changes, {0: take_back}, keeps_both=decision.keep_both)


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
    return book_whole(case, DecisionKind.SPLIT, changes, take_back, keeps_both=decision.keep_both, previous=before)


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


def _dismiss(case: Case, decision: Dismiss) -> Decided:
    code = DismissReason(decision.reason)
    other = _repeated(case, decision) if code is DismissReason.DUPLICATE_OF else None
    marks = {"settled": Settlement.DISMISSED, "settled_code": code.value, "settled_as": other.id if other else None}
    if all(getattr(case.content, name) == value for name, value in marks.items()):
        return decided(case, changed=False)
    reason = _in_words(code, other)
    made = note_decision(case, DecisionKind.DISMISS, how_it_stands(case), code=code.value, reason=reason)
    set_aside(case, code.value, reason, other.id if other else None)
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
