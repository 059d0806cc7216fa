"""Which receipt a person means: by id, short id, its expense's id, object key or file name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlmodel import Session, col, or_, select

from flows.domain.public_ids import EXPENSE_PREFIX
from flows.ledger.errors import AmbiguousReferenceError, ReceiptNotFoundError
from flows.ledger.locking import clean
from flows.ledger.schema import Expense, Receipt

_MIN_PREFIX = 4
_UUID_DIGITS = 32
_NAMED = 5


def resolve(reference: str, *, session: Session, owner: str | None = None) -> UUID:
    """The id of the receipt that a person means.

    By id or a unique prefix of it, by its expense's id or a unique prefix of that, by object key, or by file name: the
    end of the key, behind what the API puts before it. Several versions of one key are several receipts; the key then
    means the one received last.

    Raises:
        ReceiptNotFoundError: There is none, or it is another owner's.
        AmbiguousReferenceError: A prefix of several ids, the same key in several buckets, a name of several files.
    """
    mine = [] if owner is None else [Receipt.owner == owner]
    if reference.startswith(EXPENSE_PREFIX):
        return _receipt_of_expense(reference, mine, session=session)
    if found := _by_id(reference, mine, session=session):
        return found
    for named in (Receipt.key == clean(reference), _is_file(clean(reference))):
        if found := _by_key(reference, [named, *mine], session=session):
            return found
    raise ReceiptNotFoundError(reference)


def _by_id(reference: str, mine: list[Any], *, session: Session) -> UUID | None:
    ids = _id_range(reference)
    if ids is None:
        return None
    query = select(Receipt.id).where(col(Receipt.id).between(*ids), *mine)
    return _only(reference, list(session.exec(query.order_by(col(Receipt.id)).limit(_NAMED))))


def _by_key(reference: str, wanted: list[Any], *, session: Session) -> UUID | None:
    query = select(Receipt.id, Receipt.bucket, Receipt.key).where(*wanted)
    rows = session.exec(query.order_by(col(Receipt.received_at).desc(), col(Receipt.id)).limit(100)).all()
    newest: dict[tuple[str, str], UUID] = {}
    for receipt_id, bucket, key in rows:
        newest.setdefault((bucket, key), receipt_id)
    return _only(reference, list(newest.values())[:_NAMED])


def _is_file(name: str) -> Any:
    """The name of a file whose key ends in it, as it was put into a folder or as the API has named it."""
    key = col(Receipt.key)
    return or_(key.endswith(f"/{name}", autoescape=True), key.endswith(f"-{name}", autoescape=True))


def _receipt_of_expense(public_id: str, mine: list[Any], *, session: Session) -> UUID:
    query = select(Receipt.id).join(Expense, col(Expense.receipt_id) == col(Receipt.id))
    digits = public_id.removeprefix(EXPENSE_PREFIX)
    named = col(Expense.public_id) == clean(public_id)
    if len(digits) >= _MIN_PREFIX:
        named = col(Expense.public_id).startswith(clean(public_id), autoescape=True)
    found = _only(public_id, list(session.exec(query.where(named, *mine).distinct().limit(_NAMED))))
    if found is None:
        raise ReceiptNotFoundError(public_id)
    return found


def _only(reference: str, found: list[UUID]) -> UUID | None:
    if len(found) > 1:
        raise AmbiguousReferenceError(reference, tuple(found))
    return found[0] if found else None


def _id_range(reference: str) -> tuple[UUID, UUID] | None:
    digits = reference.replace("-", "").lower()
    if not _MIN_PREFIX <= len(digits) <= _UUID_DIGITS or set(digits) - set("0123456789abcdef"):
        return None
    return UUID(digits.ljust(_UUID_DIGITS, "0")), UUID(digits.ljust(_UUID_DIGITS, "f"))
