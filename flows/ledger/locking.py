"""Locks, fences and the one function that writes a receipt's state: the ledger's inside, for this package only.

Lock order, for all of the package: a content before its receipts, so that no two transactions wait for each other.
Locks are FOR NO KEY UPDATE, which lets foreign keys be checked beside them.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from enum import StrEnum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, ScalarSelect, func, insert, literal_column, text, update
from sqlmodel import Session, col, select

from flows.ledger.errors import DELETED, FencedError, ReceiptNotFoundError
from flows.ledger.schema import FINAL_STATES, Content, Receipt, State, StateChange
from flows.ledger.values import Attempt

V = TypeVar("V")


def lock_receipt(receipt_id: UUID, *, session: Session) -> Receipt:
    """The receipt's row, locked until the transaction ends.

    Raises:
        ReceiptNotFoundError: There is none.
    """
    query = select(Receipt).where(Receipt.id == receipt_id).with_for_update(key_share=True)
    receipt = session.exec(query).one_or_none()
    if receipt is None:
        raise ReceiptNotFoundError(receipt_id)
    return receipt


def lock_attempt(attempt: Attempt, *repeated: State, session: Session) -> Receipt:
    """The row of the attempt's receipt, locked, if the attempt still holds it.

    Args:
        attempt: Who wants to write.
        repeated: States that the same attempt may have written before, its answer having been lost on the way.

    Raises:
        FencedError: The receipt has gone on without this attempt.
    """
    try:
        receipt = lock_receipt(attempt.receipt_id, session=session)
    except ReceiptNotFoundError as error:
        raise FencedError(attempt.receipt_id, attempt.number, DELETED) from error
    holds = receipt.attempt == attempt.number and receipt.flow_run_id == attempt.flow_run_id
    if not holds or receipt.state not in {State.RUNNING, *repeated}:
        found = f"{receipt.state.value} in attempt {receipt.attempt} of flow run {receipt.flow_run_id}"
        raise FencedError(attempt.receipt_id, attempt.number, found)
    return receipt


def lock_content_of(receipt_id: UUID, *, session: Session) -> tuple[Content | None, Receipt]:
    """The receipt and the content that it stands for, both locked, in the package's order."""
    while True:
        # Rolled back, a savepoint lets go of what was locked in it: a receipt is never held while its content is waited
        # for, whose holder may wait for that receipt.
        savepoint = session.begin_nested()
        named = select(Receipt.content_id).where(Receipt.id == receipt_id).scalar_subquery()
        content = lock_content(named, session=session)
        receipt = lock_receipt(receipt_id, session=session)
        if receipt.content_id == (content.id if content else None):
            savepoint.commit()
            return content, receipt
        savepoint.rollback()  # it was claimed between the two statements; the second look finds it


def lock_content_of_attempt(attempt: Attempt, *repeated: State, session: Session) -> tuple[Content | None, Receipt]:
    """As `lock_attempt`, with the content that the receipt stands for locked before it.

    Raises:
        FencedError: The receipt has gone on without this attempt.
    """
    try:
        content, _ = lock_content_of(attempt.receipt_id, session=session)
    except ReceiptNotFoundError as error:
        raise FencedError(attempt.receipt_id, attempt.number, DELETED) from error
    return content, lock_attempt(attempt, *repeated, session=session)


def lock_hash(sha256: str, *, session: Session) -> None:
    """Keep others, of whatever owner, from claiming a content with this hash, or removing its results, meanwhile.

    Results are shared by hash. Comes before the lock of the content.
    """
    query = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    session.execute(query, {"name": f"receiptflow:content:{sha256}"})


def lock_content(content_id: UUID | ScalarSelect[Any], *, session: Session) -> Content | None:
    """The content's row, locked until the transaction ends; its id may be what a query answers."""
    query = select(Content).where(Content.id == content_id).with_for_update(key_share=True)
    return session.exec(query).one_or_none()


def write_state(
    receipt: Receipt, to: State, *, reason: str | None, session: Session, code: str | None = None, **columns: Any
) -> None:
    """Bring the locked `receipt` into state `to` and append the change to the audit: the only place that does.

    A final state sets `finished_at`, any other clears it. `columns` are written along.
    """
    reason = clean(reason)
    values = {"state": to, "reason": reason, "reason_code": code, "updated_at": func.now()}
    values |= {"same_purchase_as": None} | columns
    values["finished_at"] = func.now() if to in FINAL_STATES else None
    # RETURNING gives the row as it is now, for the audit line: columns may have set a new attempt.
    query = update(Receipt).where(col(Receipt.id) == receipt.id).values(**values)
    after = session.execute(query.returning(col(Receipt.flow_run_id), col(Receipt.attempt))).one()
    session.execute(
        insert(StateChange).values(
            receipt_id=receipt.id,
            from_state=receipt.state,
            to_state=to,
            flow_run_id=after.flow_run_id or receipt.flow_run_id,
            attempt=after.attempt,
            reason=reason,
        )
    )


def write(receipt: Receipt, *, session: Session, **columns: Any) -> None:
    """Change columns of the locked `receipt` other than its state."""
    query = update(Receipt).where(col(Receipt.id) == receipt.id).values(**({"updated_at": func.now()} | columns))
    session.execute(query)


def as_value(kind: type[V], row: object) -> V:
    """The value of dataclass `kind` made of the equally named attributes of `row`."""
    return kind(*_attributes(kind)(row))  # type: ignore[arg-type]  # a class is hashable


@cache
def _attributes(kind: type[Any]) -> attrgetter[Any]:
    return attrgetter(*(field.name for field in fields(kind)))


def columns_of(kind: type[Any], table: type[Any]) -> list[Any]:
    """The columns of `table` that make a value of dataclass `kind`, in its order: far quicker than whole rows."""
    return [getattr(table, field.name) for field in fields(kind)]


def is_in(state: StrEnum, column: Any) -> ColumnElement[bool]:
    """That a row is in `state`, spelled out: a prepared statement's parameter would hide the partial index."""
    return column == literal_column(f"'{state.value}'")  # type: ignore[no-any-return]


def quoted(values: Collection[str]) -> str:
    """Constants as a list in SQL, where a parameter would have to be given by every caller of the statement."""
    return ", ".join(f"'{value}'" for value in sorted(values))


def clean(value: V) -> V:
    """`value` without NUL characters, which PostgreSQL's text and JSON cannot hold; U+FFFD stands for each."""
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")  # type: ignore[return-value]
    if isinstance(value, dict):
        return {clean(key): clean(item) for key, item in value.items()}  # type: ignore[return-value]
    if isinstance(value, list):
        return [clean(item) for item in value]  # type: ignore[return-value]
    return value
