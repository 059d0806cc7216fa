"""From a reading to the ledger: the expenses of a content, with its corrections, and what a person settled.

What a person booked or dismissed stays so whatever a later reading says: a sure one brings what was not corrected up
to date, an unsure or broken one changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlmodel import Session, col, select

from flows.domain.fields import ReceiptFields
from flows.ledger.corrections import Standing, overlaid, standing_of
from flows.ledger.expenses import ExpenseValues, of_a_part, post, values_of, void
from flows.ledger.locking import write_state
from flows.ledger.notifications import enqueue_expense
from flows.ledger.schema import Content, Expense, NotificationKind, Receipt, Settlement, State
from flows.ledger.values import Settled
from flows.ledger.views import ExpenseView

_STATES = {Settlement.BOOKED: State.EXPENSED, Settlement.DISMISSED: State.DISMISSED}


def read_values(content: Content, fields: ReceiptFields) -> ExpenseValues:
    """What was read, as far as it holds for each of the content's expenses."""
    return of_a_part(values_of(fields)) if content.parts > 1 else values_of(fields)


def counting_parts(content: Content, *, session: Session) -> set[int]:
    """The parts of a content whose expense counts."""
    query = select(Expense.part).where(Expense.content_id == content.id, col(Expense.voided_at).is_(None))
    return set(session.exec(query))


def book_parts(
    receipt: Receipt,
    extraction_id: UUID,
    read: ExpenseValues,
    standing: Standing,
    *,
    parts: Collection[int],
    channels: Sequence[str],
    session: Session,
) -> list[ExpenseView]:
    """Post the expenses of some parts of the locked receipt's content, read and corrected so, and say so."""
    booked = []
    for part in sorted(parts):
        values = overlaid(read, standing.values(part))
        posted = post(receipt, extraction_id, values, session=session, part=part)
        booked.append(posted.expense)
        if posted.news:
            enqueue_expense(receipt, posted.news, channels, posted.expense, session=session)
    return booked


def void_parts(
    receipt: Receipt,
    reasons: Sequence[str],
    channels: Sequence[str],
    *,
    session: Session,
    parts: Collection[int] | None = None,
) -> list[ExpenseView]:
    """Void the locked receipt's expenses that count, all or those of some parts, and say so to who was told of them."""
    voided = void(receipt, "; ".join(reasons), session=session, parts=parts)
    for expense in voided:
        enqueue_expense(receipt, NotificationKind.EXPENSE_VOIDED, channels, expense, reasons=reasons, session=session)
    return voided


def settle(receipt: Receipt, content: Content, *, session: Session, **columns: Any) -> Settled:
    """Bring the locked receipt into the state that a person settled its content in."""
    if content.settled is None:
        raise RuntimeError(f"nobody settled content {content.id}; this is a bug")
    settled = Settled(_STATES[content.settled], content.settled_reason)
    columns = {"process": None, "same_purchase_as": content.settled_as} | columns
    write_state(receipt, settled.state, reason=settled.reason, code=content.settled_code, session=session, **columns)
    return settled


def take_reading(
    receipt: Receipt,
    content: Content,
    extraction_id: UUID,
    fields: ReceiptFields,
    *,
    channels: Sequence[str],
    session: Session,
) -> None:
    """Bring the expenses of a settled content up to date with a sure reading; those that are void stay void."""
    book_parts(
        receipt,
        extraction_id,
        read_values(content, fields),
        standing_of(content.id, session=session),
        parts=counting_parts(content, session=session),
        channels=channels,
        session=session,
    )
    void_ones = update(Expense).where(col(Expense.content_id) == content.id, col(Expense.voided_at).is_not(None))
    session.execute(void_ones.values(extraction_id=extraction_id))
