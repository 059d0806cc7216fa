"""Taking the last decision back: its corrections, what was settled, expenses and state as they were."""

from __future__ import annotations

from contextlib import suppress
from typing import Any
from uuid import UUID

from sqlmodel import Session, col, func, select

from flows.ledger.corrections import TABLES, Standing, standing_of
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
from flows.ledger.decisions.errors import NothingToUndoError
from flows.ledger.decisions.requests import Decided
from flows.ledger.errors import ReceiptNotFoundError, WrongStateError
from flows.ledger.rules import learn
from flows.ledger.schema import JOINED, Content, CorrectionRow, DecisionKind, DecisionRow, Receipt, Settlement, State

_OPEN = {State.WAITING, State.RUNNING}


def undo(case: Case) -> Decided:
    """Take the last decision on the content back that was not taken back before.

    Raises:
        NothingToUndoError: There is none.
    """
    last = last_decision(case.content.id, session=case.session)
    if last is None:
        raise NothingToUndoError(case.receipt.id)
    before = last.previous
    made = note_decision(case, DecisionKind.UNDO, how_it_stands(case), code=last.kind.value, undoes=last.id)
    _take_corrections_back(case, last, made)
    case.mark(
        settled=Settlement(before["settled"]) if before["settled"] else None,
        settled_code=before["settled_code"],
        settled_reason=before["settled_reason"],
        settled_as=_existing(before["settled_as"], case),
        parts=before["parts"],
    )
    if before["counting"]:
        book(case, set(before["counting"]))
    else:
        case.void(f"{last.kind.value} was taken back by {case.actor.name}")
    _close_as_before(case, before)
    learn(case.content, session=case.session)
    tell(case, made, DecisionKind.UNDO, code=last.kind.value)
    for page in _pages_still_joined(case, last):
        undo(page)
    if case.content.settled_code == JOINED and not _has_page(case.content.settled_as, case):
        case.session.refresh(case.receipt)
        return undo(case)  # a page again, of a receipt that was taken apart meanwhile
    return decided(case)


def last_decision(content_id: UUID, *, session: Session) -> DecisionRow | None:
    """The last decision on a content that was not taken back."""
    query = select(DecisionRow).where(*_standing(content_id), DecisionRow.kind != DecisionKind.UNDO)
    return session.exec(query.order_by(col(DecisionRow.id).desc()).limit(1)).one_or_none()


def _standing(content_id: UUID) -> tuple[Any, ...]:
    """Of a content's decisions those that were not taken back."""
    taken_back = select(DecisionRow.undoes).where(
        DecisionRow.content_id == content_id, col(DecisionRow.undoes).is_not(None)
    )
    return DecisionRow.content_id == content_id, col(DecisionRow.id).not_in(taken_back)


def pages_in(decision: DecisionRow) -> list[UUID]:
    """The receipts that a decision has made further pages of another one."""
    return [UUID(page) for page in decision.previous.get("pages", ())]


def page_again_of(decision: DecisionRow) -> list[UUID]:
    """The receipt that taking a decision back makes its receipt a page of again."""
    before = decision.previous
    return [UUID(before["settled_as"])] if before["settled_code"] == JOINED and before["settled_as"] else []


def _has_page(first_id: UUID | None, case: Case) -> bool:
    """Whether the case's receipt was joined to another one by a decision that stands, and that is no page itself."""
    query = select(Content).join(Receipt, col(Receipt.content_id) == col(Content.id)).where(Receipt.id == first_id)
    first = case.session.exec(query).one_or_none()
    if first is None or first.settled_code == JOINED:
        return False
    joins = select(DecisionRow.id).where(
        *_standing(first.id),
        DecisionRow.kind == DecisionKind.JOIN,
        col(DecisionRow.previous).contains({"pages": [str(case.receipt.id)]}),
    )
    return case.session.exec(joins.limit(1)).first() is not None


def _pages_still_joined(case: Case, last: DecisionRow) -> list[Case]:
    """Those of its pages that were neither deleted nor decided on otherwise since."""
    joined = []
    for receipt_id in pages_in(last):
        with suppress(ReceiptNotFoundError, WrongStateError):
            page = open_case(receipt_id, case.actor, session=case.session)
            if page.content.settled_code == JOINED and page.content.settled_as == case.receipt.id:
                joined.append(page)
    return joined


def _take_corrections_back(case: Case, last: DecisionRow, made: int) -> None:
    first = case.session.exec(select(func.min(CorrectionRow.id)).where(CorrectionRow.decision_id == last.id)).one()
    if first is None:
        return
    before, now = standing_of(case.content.id, session=case.session, before=first), case.standing()
    for part in sorted({part for part, _ in [*before.rows, *now.rows]}):
        again = _to_be_made_again(before, now, part)
        ended = [field for of, field in now.rows if of == part and (of, field) not in before.rows]
        note_corrections(case, made, part, again, take_back=ended)


def _to_be_made_again(before: Standing, now: Standing, part: int) -> dict[str, Any]:
    """The corrections that counted before and do not now; with a whole list all of its single rows."""
    values = before.values(part)
    changed = {field for field in values if _is_other(before, now, (part, field))}
    for table in TABLES:
        ends_list = (part, table) in now.rows and (part, table) not in before.rows
        if table in changed or ends_list:
            changed |= {field for field in values if field.startswith(f"{table}/")}
    return {field: value for field, value in values.items() if field in changed}


def _is_other(before: Standing, now: Standing, key: tuple[int, str]) -> bool:
    standing = now.rows.get(key)
    return standing is None or standing.value != before.rows[key].value


def _close_as_before(case: Case, before: dict[str, Any]) -> None:
    state = State(before["state"])
    if state in _OPEN:
        # The reading that was under way has ended meanwhile, in what was settled then.
        state = State.EXPENSED if before["counting"] else State.REVIEW
    close(
        case,
        state,
        code=before["reason_code"],
        reason=before["reason"],
        same_purchase_as=_existing(before["same_purchase_as"], case),
    )


def _existing(receipt_id: str | None, case: Case) -> UUID | None:
    """A receipt that was named before, unless it was deleted since."""
    if receipt_id is None:
        return None
    return case.session.exec(select(Receipt.id).where(Receipt.id == UUID(receipt_id))).one_or_none()
