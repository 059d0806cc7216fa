"""One content under a person's hands, locked with its receipt: how it stands, and what every decision writes.

Nobody else writes to it meanwhile, so that what was read once, or written here, is not read again.

Lock order as everywhere in the ledger: the content, its receipt, then owner and day of the purchase.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlmodel import Session, col, select

from flows.domain.fields import ReceiptFields
from flows.ledger.corrections import Standing, overlaid, plain, standing_of, value_of
from flows.ledger.decisions.changes import changes_since
from flows.ledger.decisions.errors import ChangedMeanwhileError
from flows.ledger.decisions.requests import Decided
from flows.ledger.errors import ReceiptNotFoundError, WrongStateError
from flows.ledger.expenses import ExpenseValues, expenses_of_content
from flows.ledger.locking import clean, lock_content_of, write, write_state
from flows.ledger.notifications import enqueue_reviewed
from flows.ledger.receipts import book_parts, counting_parts, read_values, void_parts
from flows.ledger.schema import (
    Content,
    CorrectionRow,
    DecisionKind,
    DecisionRow,
    Expense,
    ExtractionRow,
    Receipt,
    Settlement,
    State,
)
from flows.ledger.values import Actor
from flows.ledger.views import ExpenseView

_OPEN = {State.WAITING, State.RUNNING}
# Where nothing could be read, what a person gives stands on this.
_BY_HAND = {"engine": "by hand", "engine_version": "", "parser_version": "by hand"}
_MARKS = ("settled", "settled_code", "settled_reason", "settled_as", "parts")


@dataclass
class Case:
    """A locked content and receipt, and who decides at which moment of the database's clock."""

    content: Content
    receipt: Receipt
    reading: ExtractionRow | None
    actor: Actor
    moment: dt.datetime
    session: Session
    expenses: tuple[ExpenseView, ...] | None = None  # those that count, as far as that was written by the decision
    closed: tuple[State, dt.datetime] | None = None  # its state and `updated_at` that the decision wrote
    _standing: Standing | None = None
    _counting: set[int] | None = None
    _fields: ReceiptFields | None = None

    @property
    def is_open(self) -> bool:
        """Whether it is being read again: its state is written by whoever reads it."""
        return self.receipt.state in _OPEN

    @property
    def fields(self) -> ReceiptFields:
        """What the reading says that the expenses are made of."""
        if self._fields is None:
            self._fields = ReceiptFields.model_validate(self.base().fields)
        return self._fields

    def base(self) -> ExtractionRow:
        """The reading that the expenses are made of; an empty one where nothing could be read."""
        if self.reading is None:
            self.reading = _reading_by_hand(self.content, session=self.session)
        return self.reading

    def standing(self) -> Standing:
        """The corrections that count now."""
        if self._standing is None:
            self._standing = standing_of(self.content.id, session=self.session)
        return self._standing

    def append(self, corrections: Sequence[dict[str, Any]]) -> None:
        """Write corrections, whose order is their ids'."""
        if not corrections:
            return
        query = insert(CorrectionRow).returning(CorrectionRow, sort_by_parameter_order=True)
        self._standing = self.standing().followed_by(self.session.scalars(query, corrections))

    def read(self) -> ExpenseValues:
        """What the machine says of each of the content's expenses."""
        return read_values(self.content, self.fields)

    def counting(self) -> set[int]:
        """The parts whose expense counts now."""
        if self._counting is None:
            self._counting = counting_parts(self.content, session=self.session)
        return self._counting

    def count(self, expenses: Sequence[ExpenseView]) -> None:
        """Note which expenses count now, all of them."""
        self.expenses, self._counting = tuple(expenses), {one.part for one in expenses}

    def void(self, reason: str, parts: Collection[int] | None = None) -> None:
        """Let expenses count no more, all or those of some parts."""
        void_parts(self.receipt, (reason,), (), session=self.session, parts=parts)
        self.expenses, self._counting = (() if parts is None else None), (set() if parts is None else None)

    def mark(self, **marks: Any) -> None:
        """Change what is settled of the content."""
        query = update(Content).where(col(Content.id) == self.content.id).values(**marks)
        self.content = self.session.scalars(query.returning(Content)).one()


def open_case(
    receipt_id: UUID, actor: Actor, *, session: Session, seen: dt.datetime | None = None, owner: str | None = None
) -> Case:
    """Lock a receipt and its content for a decision.

    Args:
        receipt_id: Which receipt.
        actor: Who decides.
        session: The transaction.
        seen: The receipt's `updated_at` that the person has looked at.
        owner: Only if it is theirs.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
        WrongStateError: It is a duplicate, or nothing is known of it yet.
        ChangedMeanwhileError: It is not as the person has seen it.
    """
    content, receipt = lock_content_of(receipt_id, session=session)
    if owner not in {None, receipt.owner}:
        raise ReceiptNotFoundError(receipt_id)
    if content is None or content.canonical_receipt_id != receipt.id:
        raise WrongStateError(receipt.id, receipt.state, _where_to_decide(receipt))
    if seen is not None and seen != receipt.updated_at:
        raise ChangedMeanwhileError(f"receipt {receipt_id}", changes_since(seen, content, receipt, session=session))
    moment, reading = _moment_and_reading(content, session=session)
    if receipt.state in _OPEN and reading is None:
        raise WrongStateError(receipt.id, receipt.state, "it is read for the first time; decide when that is done")
    return Case(content, receipt, reading, actor, moment, session)


def how_it_stands(case: Case) -> dict[str, Any]:
    """What taking a decision back has to bring back, as JSON."""
    receipt = case.receipt
    return {
        **{name: plain(getattr(case.content, name)) for name in _MARKS},
        "counting": sorted(case.counting()),
        "state": receipt.state.value,
        "reason": receipt.reason,
        "reason_code": receipt.reason_code,
        "same_purchase_as": plain(receipt.same_purchase_as),
    }


def note_decision(
    case: Case,
    kind: DecisionKind,
    previous: dict[str, Any],
    *,
    code: str | None = None,
    reason: str | None = None,
    undoes: int | None = None,
) -> int:
    """Append a decision; its id is what its corrections are filed under."""
    values: dict[str, Any] = {
        "kind": kind,
        "code": code,
        "reason": clean(reason),
        "previous": previous,
        "undoes": undoes,
    }
    values |= {"content_id": case.content.id, "at": case.moment, **_by(case.actor)}
    made: int = case.session.execute(insert(DecisionRow).values(**values).returning(col(DecisionRow.id))).scalar_one()
    return made


def note_corrections(
    case: Case,
    decision_id: int,
    part: int,
    changes: dict[str, Any],
    *,
    take_back: Sequence[str] = (),
    reason: str | None = None,
) -> None:
    """Append corrections of one part, in the order given, and the ends of others."""
    read = case.read()
    booked = overlaid(read, case.standing().values(part))
    common: dict[str, Any] = {
        "content_id": case.content.id,
        "decision_id": decision_id,
        "part": part,
        "at": case.moment,
    }
    common |= {"reason": clean(reason), **_by(case.actor)}
    case.append(
        [
            common
            | {"field": field, "value": plain(clean(value)), "taken_back": ended}
            | {"before": plain(value_of(booked, field)), "machine": plain(value_of(read, field))}
            for field, value, ended in [
                *((field, None, True) for field in take_back),
                *((field, value, False) for field, value in changes.items()),
            ]
        ]
    )


def book(case: Case, parts: Collection[int]) -> None:
    """Let the expenses of exactly these parts count, with the corrections as they are now."""
    gone = case.counting() - set(parts)
    if gone:
        case.void(_by_whom(case), gone)
    read, standing = case.read(), case.standing()
    session = case.session
    case.count(book_parts(case.receipt, case.base().id, read, standing, parts=parts, channels=(), session=session))


def close(case: Case, state: State, *, code: str | None = None, reason: str | None = None, **columns: Any) -> None:
    """Write the receipt's state; while it is read again only that something changed."""
    case.closed = (case.receipt.state if case.is_open else state), case.moment
    if case.is_open:
        write(case.receipt, session=case.session, updated_at=case.moment)
        return
    columns = {"process": None, "updated_at": case.moment} | columns
    write_state(case.receipt, state, reason=reason, code=code, session=case.session, **columns)


def set_aside(case: Case, code: str, reason: str, other_id: UUID | None) -> None:
    """Let the content give no expense, for a reason that may name another receipt."""
    case.void(reason)
    if case.reading is not None:  # what they are made of if this is taken back
        mine = update(Expense).where(col(Expense.content_id) == case.content.id)
        case.session.execute(mine.values(extraction_id=case.reading.id))
    marks = {"settled": Settlement.DISMISSED, "settled_code": code, "settled_as": other_id}
    case.mark(**marks, settled_reason=reason)
    close(case, State.DISMISSED, code=code, reason=reason, same_purchase_as=other_id)


def decided(case: Case, *, changed: bool = True) -> Decided:
    """How it stands now."""
    state, updated_at = case.closed or (case.receipt.state, case.receipt.updated_at)
    if case.expenses is None:
        case.count(expenses_of_content(case.content.id, session=case.session))
    return Decided(case.receipt.id, case.receipt.key, State(state), case.expenses or (), updated_at, changed)


def tell(case: Case, decision_id: int, kind: DecisionKind, *, code: str | None = None) -> None:
    """Put into the outbox that a person decided."""
    now = decided(case)
    first = now.expenses[0] if now.expenses else None
    values: dict[str, Any] = {"decision": kind.value, "code": code, "state": now.state.value}
    values |= {"expense_id": first.public_id if first else None, "revision": first.revision if first else 0}
    values |= {"by": case.actor.name, "via": case.actor.via.value}
    enqueue_reviewed(case.receipt, decision_id, values, session=case.session)


def _by_whom(case: Case) -> str:
    return f"by {case.actor.name}"


def _by(actor: Actor) -> dict[str, Any]:
    return {"actor": clean(actor.name), "via": actor.via, "person_id": actor.person_id}


def _moment_and_reading(content: Content, *, session: Session) -> tuple[dt.datetime, ExtractionRow | None]:
    """The database's clock, and what the expenses are made of: what was read last where there are none, or none that
    count.
    """
    made_of_it = col(Expense.extraction_id) == col(ExtractionRow.id)
    if content.settled is None:
        made_of_it &= col(Expense.voided_at).is_(None)
    made_from = select(func.min(Expense.part)).where(made_of_it).scalar_subquery()
    order = made_from.nulls_last(), col(ExtractionRow.created_at).desc()
    wanted = select(ExtractionRow.id).where(ExtractionRow.content_id == content.id).order_by(*order).limit(1)
    query = select(func.clock_timestamp(), ExtractionRow).select_from(Content)
    query = query.outerjoin(ExtractionRow, col(ExtractionRow.id) == wanted.scalar_subquery())
    moment, reading = session.exec(query.where(Content.id == content.id)).one()
    return moment, reading


def _reading_by_hand(content: Content, *, session: Session) -> ExtractionRow:
    nothing = ReceiptFields(parser_version=_BY_HAND["parser_version"])
    values = {"content_id": content.id, **_BY_HAND}
    kept = {"fields": nothing.model_dump(mode="json"), "words_key": "", "decision": nothing.decision}
    query = upsert(ExtractionRow).values(**values, **kept)
    session.execute(query.on_conflict_do_nothing(index_elements=list(values)))
    rows = select(ExtractionRow).where(*(getattr(ExtractionRow, name) == value for name, value in values.items()))
    return session.exec(rows).one()


def _where_to_decide(receipt: Receipt) -> str:
    if receipt.duplicate_of:
        return f"decide on receipt {receipt.duplicate_of}, which has the same content"
    if receipt.state in _OPEN:
        return "it is read for the first time; decide when that is done"
    return "its object was gone before it was read; upload it again"
