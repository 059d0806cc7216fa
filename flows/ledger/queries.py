"""What people and other programs ask the ledger: lists in keyset pages, one receipt in full, counts."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable, Collection, Iterator
from dataclasses import fields
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import false, func, literal, tuple_
from sqlmodel import Session, col, select

from flows.ledger.cursors import read_cursor, write_cursor
from flows.ledger.engine import Ledger
from flows.ledger.errors import AmbiguousReferenceError, ReceiptNotFoundError
from flows.ledger.rows import as_value, clean, columns_of
from flows.ledger.states import State
from flows.ledger.tables import (
    Expense,
    ExpenseLine,
    ExpenseTax,
    ExtractionRow,
    Notification,
    Receipt,
    StateChange,
)
from flows.ledger.views import (
    ExpenseView,
    ExtractionView,
    LineView,
    NotificationView,
    Page,
    ReceiptDetail,
    ReceiptView,
    StateChangeView,
    TaxView,
)

_MIN_PREFIX = 4
_UUID_DIGITS = 32


def find_receipts(
    *,
    session: Session,
    owner: str | None = None,
    state: State | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[ReceiptView]:
    """Receipts, newest first. `after` is the `next` of the page before.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list.
    """
    query = select(Receipt)
    if owner is not None:
        query = query.where(Receipt.owner == owner)
    if state is not None:
        query = query.where(Receipt.state == state)
    rows, following = _page(query, (col(Receipt.received_at), col(Receipt.id)), limit, after, session=session)
    return Page(tuple(as_value(ReceiptView, row) for row in rows), following)


def find_expenses(
    *,
    session: Session,
    owner: str | None = None,
    since: dt.date | None = None,
    until: dt.date | None = None,
    merchant: str | None = None,
    total_from: Decimal | None = None,
    total_to: Decimal | None = None,
    currency: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[ExpenseView]:
    """Expenses, the last booked first.

    Args:
        session: The transaction.
        owner: Only this owner's.
        since: First day of purchase; expenses without a date are left out then.
        until: Last day of purchase.
        merchant: Any part of the name, in any case.
        total_from: Smallest total.
        total_to: Largest total.
        currency: ISO 4217 code.
        limit: At most so many.
        after: The `next` of the page before.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list.
    """
    wanted: list[tuple[Callable[[Any, Any], Any], Any, Any]] = [
        (operator.eq, Expense.owner, owner),
        (operator.ge, Expense.purchase_date, since),
        (operator.le, Expense.purchase_date, until),
        (_contains, Expense.merchant, merchant),
        (operator.ge, Expense.total, total_from),
        (operator.le, Expense.total, total_to),
        (operator.eq, Expense.currency, currency),
    ]
    query = select(Expense).where(
        *(compare(col(field), value) for compare, field, value in wanted if value is not None)
    )
    rows, following = _page(query, (col(Expense.created_at), col(Expense.id)), limit, after, session=session)
    return Page(tuple(as_value(ExpenseView, row) for row in rows), following)


def all_expenses(*, session: Session, owner: str | None = None, page_size: int = 1000) -> Iterator[ExpenseView]:
    """All expenses, the last booked first, a page in memory at a time."""
    after: str | None = None
    while True:
        page = find_expenses(session=session, owner=owner, limit=page_size, after=after)
        yield from page
        if (after := page.next) is None:
            return


def get_receipt(receipt_id: UUID, *, session: Session, owner: str | None = None) -> ReceiptView:
    """One receipt by its id; with `owner`, only if it is theirs.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
    """
    row = session.get(Receipt, receipt_id, populate_existing=True)
    if row is None or owner not in {None, row.owner}:
        raise ReceiptNotFoundError(receipt_id)
    return as_value(ReceiptView, row)


def read_receipts(receipt_ids: Collection[UUID], *, session: Session) -> list[ReceiptView]:
    """The receipts with these ids, the one received first at the front."""
    query = select(Receipt).where(col(Receipt.id).in_(receipt_ids))
    rows = session.exec(query.order_by(col(Receipt.received_at), col(Receipt.id)))
    return [as_value(ReceiptView, row) for row in rows]


def open_receipt_of(bucket: str, key: str, flow_run_id: UUID | None = None, *, session: Session) -> ReceiptView | None:
    """The receipt of a key that is not final, where the object itself cannot be asked any more.

    Several versions of one key may be open: the flow run's own comes first, then the one received last.
    """
    query = select(Receipt).where(Receipt.bucket == bucket, Receipt.key == key)
    query = query.where(col(Receipt.state).in_([State.WAITING, State.RUNNING]))
    own = func.coalesce(col(Receipt.flow_run_id) == flow_run_id, false())
    row = session.exec(query.order_by(own.desc(), col(Receipt.received_at).desc()).limit(1)).first()
    return as_value(ReceiptView, row) if row else None


def resolve(reference: str, *, session: Session, owner: str | None = None) -> UUID:
    """The id of the receipt that a person means: by id, by a unique prefix of it, or by object key.

    Several versions of one key are several receipts; the key then means the one received last.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
        AmbiguousReferenceError: A prefix of several ids, or the same key in several buckets.
    """
    mine = [] if owner is None else [Receipt.owner == owner]
    ids = _id_range(reference)
    if ids is not None:
        query = select(Receipt.id).where(col(Receipt.id).between(*ids), *mine)
        found = session.exec(query.order_by(col(Receipt.id)).limit(5)).all()
        if len(found) > 1:
            raise AmbiguousReferenceError(reference, tuple(found))
        if found:
            return found[0]
    keyed = select(Receipt.id, Receipt.bucket).where(Receipt.key == clean(reference), *mine)
    rows = session.exec(keyed.order_by(col(Receipt.received_at).desc(), col(Receipt.id)).limit(100)).all()
    if len({bucket for _, bucket in rows}) > 1:
        raise AmbiguousReferenceError(reference, tuple(receipt_id for receipt_id, _ in rows))
    if not rows:
        raise ReceiptNotFoundError(reference)
    return rows[0][0]


def show_receipt(reference: str | UUID, *, session: Session, owner: str | None = None) -> ReceiptDetail:
    """Everything about one receipt, named as for `resolve`; a duplicate shows the expense of its content.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
        AmbiguousReferenceError: The reference fits several.
    """
    receipt_id = reference if isinstance(reference, UUID) else resolve(reference, session=session, owner=owner)
    receipt = get_receipt(receipt_id, session=session, owner=owner)
    # A receipt without a content has no expense and no extraction: the comparisons below become IS NULL.
    content, expense = receipt.content_id, _expense_of(receipt.content_id, session=session)
    lines = select(ExpenseLine).where(ExpenseLine.expense_id == (expense.id if expense else None))
    taxes = select(ExpenseTax).where(ExpenseTax.expense_id == (expense.id if expense else None))
    read = select(ExtractionRow).where(ExtractionRow.content_id == content).order_by(col(ExtractionRow.created_at))
    told = select(Notification).where(Notification.receipt_id == receipt_id).order_by(col(Notification.created_at))
    return ReceiptDetail(
        **{field.name: getattr(receipt, field.name) for field in fields(ReceiptView)},
        history=history(receipt_id, session=session),
        expense=expense,
        line_items=_values(LineView, lines.order_by(col(ExpenseLine.position)), session=session),
        taxes=_values(TaxView, taxes.order_by(col(ExpenseTax.position)), session=session),
        extractions=_values(ExtractionView, read, session=session),
        notifications=_values(NotificationView, told, session=session),
    )


def history(receipt_id: UUID, *, session: Session) -> tuple[StateChangeView, ...]:
    """A receipt's state changes, oldest first; they are there for a deleted receipt too."""
    query = select(StateChange).where(StateChange.receipt_id == receipt_id).order_by(col(StateChange.id))
    return _values(StateChangeView, query, session=session)


def counts_by_state(*, session: Session, owner: str | None = None) -> dict[State, int]:
    """How many receipts are in each state; every state is there, with 0 if need be."""
    query = select(Receipt.state, func.count()).group_by(col(Receipt.state))
    if owner is not None:
        query = query.where(Receipt.owner == owner)
    found = {State(state): count for state, count in session.exec(query)}
    return {state: found.get(state, 0) for state in State}


def walk_receipts(
    ledger: Ledger, *, bucket: str | None = None, prefix: str = "", page_size: int = 1000
) -> Iterator[ReceiptView]:
    """All receipts in the order of a bucket listing (bucket, then key by its UTF-8 bytes), a page in memory at a time.

    Each page is a short transaction of its own: a walk of an hour neither holds back PostgreSQL's vacuum nor
    breaks with a connection. It sees a receipt that was there all the time exactly once.
    """
    # These columns are the unique index, whole: any other order would sort the rest of the table for each page.
    order = (col(Receipt.bucket), col(Receipt.key), col(Receipt.etag), col(Receipt.version_id))
    base = sqlalchemy.select(*columns_of(ReceiptView, Receipt)).order_by(*order).limit(page_size)
    if bucket is not None:
        base = base.where(col(Receipt.bucket) == bucket)
    if prefix:
        base = base.where(col(Receipt.key).startswith(prefix, autoescape=True))
    query = base
    while True:
        with ledger.session() as session:
            rows = [ReceiptView(*row) for row in session.execute(query)]
        yield from rows
        if len(rows) < page_size:
            return
        behind = (rows[-1].bucket, rows[-1].key, rows[-1].etag, rows[-1].version_id)
        query = base.where(tuple_(*order) > tuple_(*map(literal, behind)))


def _page(
    query: Any, order: tuple[Any, Any], limit: int, after: str | None, *, session: Session
) -> tuple[list[Any], str | None]:
    """Rows newest first from behind `after`, and the cursor of the last one if there may be more."""
    if after is not None:
        query = query.where(tuple_(*order) < tuple_(*read_cursor(after, dt.datetime, UUID)))
    rows = list(session.exec(query.order_by(*(column.desc() for column in order)).limit(limit + 1)))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], write_cursor(*(getattr(last, column.key) for column in order))


def _contains(column: Any, part: str) -> Any:
    return column.icontains(clean(part), autoescape=True)


def _id_range(reference: str) -> tuple[UUID, UUID] | None:
    digits = reference.replace("-", "").lower()
    if not _MIN_PREFIX <= len(digits) <= _UUID_DIGITS or set(digits) - set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(_UUID_DIGITS, "0")), UUID(digits.ljust(_UUID_DIGITS, "f"))


def _values(kind: type[Any], query: Any, *, session: Session) -> tuple[Any, ...]:
    rows = session.exec(query)
    return tuple(as_value(kind, row) for row in rows)


def _expense_of(content_id: UUID | None, *, session: Session) -> ExpenseView | None:
    query = select(Expense).where(Expense.content_id == content_id)
    row = session.exec(query).one_or_none()
    return as_value(ExpenseView, row) if row else None
