"""An expense's rows: made of the fields that were read, changed as a whole, never half, and voided, never forgotten.

Each change counts the revision up; a reading that says the same changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import and_, delete, func, insert, update  # the dialect's own `insert` is compiled anew each time
from sqlmodel import Session, col, select

from flows.domain.public_ids import expense_id
from flows.ledger.categories import present_names
from flows.ledger.expenses.search import index_fields
from flows.ledger.expenses.values import ExpenseValues
from flows.ledger.locking import clean, columns_of
from flows.ledger.rates import home_columns
from flows.ledger.schema import Content, Expense, ExpenseLine, ExpenseTax, NotificationKind, Receipt
from flows.ledger.views import ExpenseView

_Rows = list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Posted:
    """An expense as it is now, and what its owner is to be notified of: nothing if it was so before."""

    expense: ExpenseView
    news: NotificationKind | None


def post(receipt: Receipt, extraction_id: UUID, given: ExpenseValues, *, session: Session, part: int = 0) -> Posted:
    """Write an expense of the locked receipt's content, its lines and its taxes, in place of what was there."""
    given = _as_posted(receipt.owner, given, session=session)
    values, lines, taxes = given.columns, _numbered(given.line_items), _numbered(given.taxes)
    source = {"receipt_id": receipt.id, "extraction_id": extraction_id}
    sha256, before = _before(receipt, part, session=session)
    if before is None:
        expense, news = _insert(receipt, sha256, part, values | source, session=session), NotificationKind.EXPENSE_READY
    elif before.voided_at is None and _is_same(before, values, lines, taxes, session=session):
        return Posted(_update(before, source, session=session), news=None)
    else:
        news = NotificationKind.EXPENSE_READY if before.voided_at else NotificationKind.EXPENSE_UPDATED
        changed = {"revision": before.revision + 1, "voided_at": None, "void_reason": None, "updated_at": func.now()}
        expense = _update(before, values | source | changed, session=session)
        session.execute(delete(ExpenseLine).where(col(ExpenseLine.expense_id) == expense.id))
        session.execute(delete(ExpenseTax).where(col(ExpenseTax.expense_id) == expense.id))
    _append(ExpenseLine, expense.id, lines, session=session)
    _append(ExpenseTax, expense.id, taxes, session=session)
    index_fields(expense.content_id, session=session)
    return Posted(expense, news)


def void(receipt: Receipt, reason: str, *, session: Session, parts: Collection[int] | None = None) -> list[ExpenseView]:
    """Void those of the locked receipt's expenses that count. Their values stay, for people and for exports.

    Args:
        receipt: Whose expenses.
        reason: For people.
        session: The transaction.
        parts: Only these parts; all by default.
    """
    query = update(Expense).where(col(Expense.receipt_id) == receipt.id, col(Expense.voided_at).is_(None))
    if parts is not None:
        query = query.where(col(Expense.part).in_(parts))
    query = query.values(
        voided_at=func.now(), void_reason=clean(reason), revision=col(Expense.revision) + 1, updated_at=func.now()
    )
    voided = [ExpenseView(*row) for row in session.execute(query.returning(*columns_of(ExpenseView, Expense)))]
    return sorted(voided, key=lambda expense: expense.part)


def reassign(content_id: UUID, receipt_id: UUID, *, session: Session) -> None:
    """Let the content's expense, voided or not, belong to another receipt of the same content."""
    query = update(Expense).where(col(Expense.content_id) == content_id)
    session.execute(query.values(receipt_id=receipt_id))


def revision_of(content_id: UUID | None, *, session: Session) -> int:
    """The highest revision of the content's expenses, voided or not; 0 if there never was one."""
    return session.exec(select(func.max(Expense.revision)).where(Expense.content_id == content_id)).one() or 0


def _as_posted(owner: str, given: ExpenseValues, *, session: Session) -> ExpenseValues:
    """Categories by the names that they have now, which no other transaction changes meanwhile; no tags as an empty
    list; the total in the owner's own currency.
    """
    of_lines = [line.get("category") for line in given.line_items]
    named = {name for name in (given.columns.get("category"), *of_lines) if name}
    present = present_names(owner, named, session=session)
    columns = {"category": present.get(given.columns.get("category") or ""), "tags": given.columns.get("tags") or []}
    whole = given.columns | columns | home_columns(owner, given.columns, session=session)
    whole.pop("exchange_rate", None)
    lines = tuple(line | {"category": present.get(line.get("category") or "")} for line in given.line_items)
    return replace(given, columns=whole, line_items=lines)


def _before(receipt: Receipt, part: int, *, session: Session) -> tuple[str, Expense | None]:
    """The content's hash, and the expense that there is of this part."""
    same_part = and_(col(Expense.content_id) == col(Content.id), col(Expense.part) == part)
    query = select(Content.sha256, Expense).outerjoin(Expense, same_part).where(Content.id == receipt.content_id)
    sha256, before = session.exec(query).one()
    return sha256, before


def _insert(receipt: Receipt, sha256: str, part: int, values: dict[str, Any], *, session: Session) -> ExpenseView:
    identity = {
        "content_id": receipt.content_id,
        "part": part,
        "owner": receipt.owner,
        "public_id": expense_id(receipt.owner, sha256, part),
        "revision": 1,
    }
    query = insert(Expense).values(**identity, **values)
    return ExpenseView(*session.execute(query.returning(*columns_of(ExpenseView, Expense))).one())


def _update(before: Expense, values: dict[str, Any], *, session: Session) -> ExpenseView:
    query = update(Expense).where(col(Expense.id) == before.id).values(**values)
    return ExpenseView(*session.execute(query.returning(*columns_of(ExpenseView, Expense))).one())


def _is_same(before: Expense, values: dict[str, Any], lines: _Rows, taxes: _Rows, *, session: Session) -> bool:
    return (
        all(getattr(before, name) == value for name, value in values.items())
        and _kept(ExpenseLine, before.id, session=session) == lines
        and _kept(ExpenseTax, before.id, session=session) == taxes
    )


def _kept(table: type[Any], expense_id_: UUID, *, session: Session) -> _Rows:
    rows = session.exec(select(table).where(table.expense_id == expense_id_).order_by(table.position))
    return [row.model_dump(exclude={"expense_id"}) for row in rows]


def _append(table: type[Any], expense_id_: UUID, rows: _Rows, *, session: Session) -> None:
    if rows:  # NULLs written out, else rows that lack other columns are statements of their own
        rows = [{"expense_id": expense_id_, **row} for row in rows]
        session.execute(insert(table), rows, execution_options={"render_nulls": True})


def _numbered(rows: Sequence[dict[str, Any]]) -> _Rows:
    """The rows of a table of an expense, numbered from 1 in the receipt's order."""
    return [{"position": position, **row} for position, row in enumerate(rows, start=1)]
