"""What people and other programs ask the ledger: lists in keyset pages, one receipt in full, counts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator
from dataclasses import fields
from typing import Any
from uuid import UUID

import sqlalchemy
from sqlalchemy import func, literal, tuple_
from sqlmodel import Session, col, select

from flows.ledger.database import Ledger
from flows.ledger.errors import ReceiptNotFoundError
from flows.ledger.expenses import expense_of_content
from flows.ledger.locking import as_value, clean, columns_of
from flows.ledger.pagination import newest_page
from flows.ledger.receipts.references import resolve
from flows.ledger.schema import (
    ExpenseLine,
    ExpenseTax,
    ExtractionRow,
    Notification,
    Receipt,
    State,
    StateChange,
)
from flows.ledger.views import (
    ExtractionView,
    LineView,
    NotificationView,
    Page,
    ReceiptDetail,
    ReceiptView,
    StateChangeView,
    TaxView,
)

_LATEST_CHANGES = 10_000


def list_receipts(
    *,
    session: Session,
    owner: str | None = None,
    states: Collection[State] = (),
    received_from: dt.datetime | None = None,
    received_to: dt.datetime | None = None,
    name: str | None = None,
    limit: int = 100,
    after: str | None = None,
) -> Page[ReceiptView]:
    """Receipts, newest first.

    Args:
        session: The transaction.
        owner: Only this owner's.
        states: Only in these; in any state without.
        received_from: Received then or later.
        received_to: Received before then.
        name: Any part of the object's key, in any case.
        limit: At most so many.
        after: The `next` of the page before.

    Raises:
        InvalidReferenceError: `after` is no cursor of this list.
    """
    received_at = col(Receipt.received_at)
    query = select(Receipt)
    if owner is not None:
        query = query.where(Receipt.owner == owner)
    if states:
        query = query.where(col(Receipt.state).in_(states))
    if received_from is not None:
        query = query.where(received_at >= received_from)
    if received_to is not None:
        query = query.where(received_at < received_to)
    if name is not None:
        query = query.where(col(Receipt.key).icontains(clean(name), autoescape=True))
    return newest_page(ReceiptView, query, (received_at, col(Receipt.id)), limit, after, session=session)


def get_receipt(receipt_id: UUID, *, session: Session, owner: str | None = None) -> ReceiptView:
    """One receipt by its id; with `owner`, only if it is theirs.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
    """
    row = session.get(Receipt, receipt_id, populate_existing=True)
    if row is None or owner not in {None, row.owner}:
        raise ReceiptNotFoundError(receipt_id)
    return as_value(ReceiptView, row)


def receipt_at(bucket: str, key: str, etag: str, version_id: str, *, session: Session) -> ReceiptView | None:
    """The receipt of exactly this version of an object, or None."""
    there = (Receipt.bucket == bucket, Receipt.key == key, Receipt.etag == etag, Receipt.version_id == version_id)
    row = session.exec(select(Receipt).where(*there)).one_or_none()
    return as_value(ReceiptView, row) if row else None


def read_receipts(receipt_ids: Collection[UUID], *, session: Session) -> list[ReceiptView]:
    """The receipts with these ids, the one received first at the front."""
    query = select(Receipt).where(col(Receipt.id).in_(receipt_ids))
    rows = session.exec(query.order_by(col(Receipt.received_at), col(Receipt.id)))
    return [as_value(ReceiptView, row) for row in rows]


def show_receipt(reference: str | UUID, *, session: Session, owner: str | None = None) -> ReceiptDetail:
    """Everything about one receipt, named as for `resolve`; a duplicate shows the expense of its content.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
        AmbiguousReferenceError: The reference fits several.
    """
    receipt_id = reference if isinstance(reference, UUID) else resolve(reference, session=session, owner=owner)
    receipt = get_receipt(receipt_id, session=session, owner=owner)
    # A receipt without a content has no expense and no extraction: the comparisons below become IS NULL.
    content, expense = receipt.content_id, expense_of_content(receipt.content_id, session=session)
    lines = select(ExpenseLine).where(ExpenseLine.expense_id == (expense.id if expense else None))
    taxes = select(ExpenseTax).where(ExpenseTax.expense_id == (expense.id if expense else None))
    read = select(ExtractionRow).where(ExtractionRow.content_id == content).order_by(col(ExtractionRow.created_at))
    sent = select(Notification).where(Notification.receipt_id == receipt_id).order_by(col(Notification.created_at))
    return ReceiptDetail(
        **{field.name: getattr(receipt, field.name) for field in fields(ReceiptView)},
        history=history(receipt_id, session=session),
        expense=expense,
        line_items=_values(LineView, lines.order_by(col(ExpenseLine.position)), session=session),
        taxes=_values(TaxView, taxes.order_by(col(ExpenseTax.position)), session=session),
        extractions=_values(ExtractionView, read, session=session),
        notifications=_values(NotificationView, sent, session=session),
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


def count_in_review(owner: str, *, session: Session, most: int = 1000) -> int:
    """How many of an owner's receipts wait for a person; not counted beyond `most`."""
    counted: int = session.exec(select(_up_to(most, owner, State.REVIEW))).one()
    return counted


def counts_up_to(most: int, owner: str, *, session: Session) -> dict[State, int]:
    """As `counts_by_state`, not counted beyond `most`: as quick with many receipts as with few."""
    counts = session.execute(select(*(_up_to(most, owner, state) for state in State))).one()
    return dict(zip(State, counts, strict=True))


def _up_to(most: int, owner: str, state: State) -> Any:
    mine = select(Receipt.id).where(Receipt.owner == owner, Receipt.state == state).limit(most).subquery()
    return select(func.count()).select_from(mine).scalar_subquery()


def marks_of_change(receipt_ids: Collection[UUID], *, session: Session) -> dict[UUID, dt.datetime]:
    """When each of these receipts was last written; one that was deleted is missing."""
    rows = session.exec(select(Receipt.id, Receipt.updated_at).where(col(Receipt.id).in_(receipt_ids)))
    return dict(rows.all())


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


def _values(kind: type[Any], query: Any, *, session: Session) -> tuple[Any, ...]:
    rows = session.exec(query)
    return tuple(as_value(kind, row) for row in rows)


def deleted_since(moment: dt.datetime, *, session: Session) -> dict[UUID, frozenset[UUID]]:
    """The receipts that were deleted since a moment, each with the flow runs that ever worked on it.

    Of the last 10,000 changes of any receipt: the audit has no index by time, and grows for ever.
    """
    latest = select(StateChange).order_by(col(StateChange.id).desc()).limit(_LATEST_CHANGES).subquery()
    gone = select(latest.c.receipt_id).where(latest.c.to_state.is_(None), latest.c.at >= moment)
    rows = session.execute(
        select(StateChange.receipt_id, StateChange.flow_run_id).where(col(StateChange.receipt_id).in_(gone)).distinct()
    )
    found: dict[UUID, set[UUID]] = {}
    for receipt_id, flow_run_id in rows:
        found.setdefault(receipt_id, set()).update({flow_run_id} - {None})
    return {receipt_id: frozenset(runs) for receipt_id, runs in found.items()}
