"""What a person does to an expense by its public id: correct it, void it, restore it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel import Session, select

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
from flows.ledger.decisions.changes import changes_of_part
from flows.ledger.decisions.errors import ChangedMeanwhileError, ExpenseNotFoundError
from flows.ledger.decisions.requests import Decided
from flows.ledger.errors import ReceiptNotFoundError, WrongStateError
from flows.ledger.locking import clean
from flows.ledger.rules import learn
from flows.ledger.schema import DecisionKind, Expense, Settlement, State
from flows.ledger.values import Actor

VOIDED = "voided"
_LONGEST_REASON = 500


def correct(
    public_id: str,
    corrections: Mapping[str, object],
    actor: Actor,
    *,
    session: Session,
    take_back: Sequence[str] = (),
    reason: str | None = None,
    seen: int | None = None,
    owner: str | None = None,
) -> Decided:
    """Set fields of an expense to what a person says; no later reading changes them.

    Args:
        public_id: Which expense.
        corrections: Outside values by field; None empties a field.
        actor: Who, and by which way.
        session: The transaction.
        take_back: Fields whose correction ends: what was read counts again.
        reason: Why, for the history.
        seen: The revision that the person has looked at; without it nothing is compared.
        owner: Only if it is theirs.

    Raises:
        ExpenseNotFoundError: There is none, or it is another owner's.
        InvalidValuesError: Values that their fields cannot have, by field.
        ChangedMeanwhileError: It is not as the person has seen it.
        WrongStateError: It is voided.
    """
    values = parse_values(corrections)
    _refuse_long(reason)
    with session.begin_nested():
        case, expense = _open(public_id, actor, seen, owner, session=session)
        return _correct(case, expense, values, take_back, reason)


def _correct(
    case: Case, expense: Expense, values: Mapping[str, Any], take_back: Sequence[str], reason: str | None
) -> Decided:
    if expense.voided_at is not None:
        raise WrongStateError(case.receipt.id, "voided", "restore the expense first")
    ended = ended_fields(case, expense.part, take_back)
    changes = changed_fields(case, expense.part, values, ended)
    if not changes and not ended:
        return decided(case, changed=False)
    made = note_decision(case, DecisionKind.CORRECT, how_it_stands(case), reason=reason)
    note_corrections(case, made, expense.part, changes, take_back=ended, reason=reason)
    whole = overlaid(case.read(), case.standing().values(expense.part))
    if whole.columns["total"] is None:
        raise InvalidValuesError({"total": "none was read; give it"})
    case.mark(settled=Settlement.BOOKED, settled_code=None, settled_reason=None, settled_as=None)
    book(case, case.counting())
    close(case, State.EXPENSED)
    learn(case.content, session=case.session)
    return decided(case)


def void(
    public_id: str,
    reason: str,
    actor: Actor,
    *,
    session: Session,
    seen: int | None = None,
    owner: str | None = None,
) -> Decided:
    """Take an expense back: it stays with its values, and counts no more. Its receipt is dismissed with its last one.

    Arguments and errors as for `correct`.
    """
    _refuse_long(reason)
    with session.begin_nested():
        case, expense = _open(public_id, actor, seen, owner, session=session)
        return decided(case, changed=False) if expense.voided_at else _void(case, expense, reason)


def _void(case: Case, expense: Expense, reason: str) -> Decided:
    made = note_decision(case, DecisionKind.VOID, how_it_stands(case), reason=reason)
    case.void(clean(reason), {expense.part})
    if case.counting():
        case.mark(settled=Settlement.BOOKED)
        close(case, State.EXPENSED)
    else:
        marks = {"settled": Settlement.DISMISSED, "settled_code": VOIDED, "settled_reason": clean(reason)}
        case.mark(**marks, settled_as=None)
        close(case, State.DISMISSED, code=VOIDED, reason=reason)
    tell(case, made, DecisionKind.VOID)
    return decided(case)


def restore(
    public_id: str, actor: Actor, *, session: Session, seen: int | None = None, owner: str | None = None
) -> Decided:
    """Let an expense count again that a person took back, with its corrections.

    Arguments and errors as for `correct`.

    Raises:
        WrongStateError: It is in review, or not a part of its receipt any more.
    """
    with session.begin_nested():
        case, expense = _open(public_id, actor, seen, owner, session=session)
        return _restore(case, expense) if expense.voided_at else decided(case, changed=False)


def _restore(case: Case, expense: Expense) -> Decided:
    if case.content.settled is None:
        raise WrongStateError(case.receipt.id, case.receipt.state, "book the receipt")
    if expense.part >= case.content.parts:
        raise WrongStateError(case.receipt.id, "not split any more", "split it again")
    made = note_decision(case, DecisionKind.RESTORE, how_it_stands(case))
    case.mark(settled=Settlement.BOOKED, settled_code=None, settled_reason=None, settled_as=None)
    book(case, case.counting() | {expense.part})
    close(case, State.EXPENSED)
    tell(case, made, DecisionKind.RESTORE)
    return decided(case)


def _open(
    public_id: str, actor: Actor, seen: int | None, owner: str | None, *, session: Session
) -> tuple[Case, Expense]:
    named = select(Expense).where(Expense.public_id == clean(public_id))
    found = session.exec(named).one_or_none()
    if found is None or owner not in {None, found.owner}:
        raise ExpenseNotFoundError(public_id)
    try:
        case = open_case(found.receipt_id, actor, session=session)
    except ReceiptNotFoundError as error:
        raise ExpenseNotFoundError(public_id) from error
    expense = session.exec(named).one_or_none()
    if expense is None:
        raise ExpenseNotFoundError(public_id)
    if seen is not None and seen != expense.revision:
        changes = changes_of_part(case.content, expense.part, session=session)
        now = f"it is revision {expense.revision} now, you have seen {seen}"
        raise ChangedMeanwhileError(f"expense {public_id}", [now, *changes])
    return case, expense


def _refuse_long(reason: str | None) -> None:
    if reason is not None and len(reason) > _LONGEST_REASON:
        raise InvalidValuesError({"reason": f"it has {len(reason):,} characters; at most {_LONGEST_REASON} are kept"})
