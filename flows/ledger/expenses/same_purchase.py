"""Whether a reading seems to be a purchase that is posted already: the same receipt photographed twice.

The bytes differ, so contents do not tell. Looked for inside the recording transaction, under one lock for owner and
day, so that two photos at once cannot pass each other.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from rapidfuzz import fuzz
from sqlalchemy import and_, func, or_, text
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.ledger.expenses.values import ExpenseValues
from flows.ledger.schema import DistinctPurchase, Expense, Receipt

# Per cent of rapidfuzz's ratios. One misread character in a short name ("Aldi", "A1di") still passes;
# tests/test_ledger_same_purchase.py holds both sides.
_LIKE_PERCENT = 75.0
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
_COMPARED = ("total", "currency", "purchase_date", "purchase_time", "receipt_number", "merchant")
_COMPARED_COLUMNS: list[Any] = [getattr(Expense, name) for name in _COMPARED]


def find_same_purchase(receipt: Receipt, values: ExpenseValues, *, session: Session) -> UUID | None:
    """The receipt whose expense seems to be the same purchase, the earliest one, which is not deleted before this
    transaction ends; None if there is none.
    """
    while same := same_purchases(receipt, values, session=session):
        if _stays(same[0], session=session):
            return same[0]
    return None


def same_purchases(receipt: Receipt, values: ExpenseValues, *, session: Session) -> list[UUID]:
    """The receipts whose expenses seem to be the same purchase, the earliest one first.

    An expense that is read again with the same values is compared with nothing: it was posted before. What a person
    said to be another purchase is none. Takes the lock for owner and day, and keeps it until the transaction ends.
    """
    read = {name: values.columns[name] for name in _COMPARED}
    if read["purchase_date"] is None or read["currency"] is None:
        return []
    session.execute(_LOCK, {"name": f"receiptflow:purchase:{receipt.owner}:{read['purchase_date']}"})
    query = select(Expense.content_id, Expense.receipt_id, *_COMPARED_COLUMNS).where(
        Expense.owner == receipt.owner,
        Expense.purchase_date == read["purchase_date"],
        Expense.total == read["total"],
        Expense.currency == read["currency"],
        col(Expense.voided_at).is_(None),
        ~_is_distinct(receipt),
    )
    posted: Sequence[Any] = session.exec(query.order_by(col(Expense.created_at), col(Expense.id))).all()
    if any(one.content_id == receipt.content_id and _is_unchanged(one, read) for one in posted):
        return []
    return [one.receipt_id for one in posted if one.content_id != receipt.content_id and _is_same(one, read)]


def _stays(receipt_id: UUID, *, session: Session) -> bool:
    """Keep a receipt from being deleted before this transaction ends; False if it was, which is waited for."""
    query = select(Receipt.id).where(Receipt.id == receipt_id)
    return session.exec(query.with_for_update(read=True, key_share=True)).one_or_none() is not None


def keep_both(receipt: Receipt, others: Sequence[UUID], *, session: Session) -> None:
    """Remember that the contents of a receipt and of each of some others are two purchases, however alike they are."""
    if not others or receipt.content_id is None:
        return
    pair = [of_both(receipt.content_id, col(Receipt.content_id)) for of_both in (func.least, func.greatest)]
    there = select(*pair).where(col(Receipt.id).in_(others), col(Receipt.content_id).is_not(None))
    there = there.with_for_update(read=True, key_share=True)  # one that was deleted meanwhile is the same as nothing
    query = insert(DistinctPurchase).from_select(["content_id", "other_id"], there)
    session.execute(query.on_conflict_do_nothing())


def _is_distinct(receipt: Receipt) -> Any:
    mine = receipt.content_id
    pair = (col(DistinctPurchase.content_id), col(DistinctPurchase.other_id))
    theirs = col(Expense.content_id)
    return (
        select(DistinctPurchase)
        .where(or_(and_(pair[0] == mine, pair[1] == theirs), and_(pair[1] == mine, pair[0] == theirs)))
        .exists()
    )


def _is_unchanged(posted: Any, read: dict[str, Any]) -> bool:
    return all(getattr(posted, name) == value for name, value in read.items())


def _is_same(posted: Any, read: dict[str, Any]) -> bool:
    """One of time, number and merchant has to agree; time and number that both differ say that it is another one."""
    time, number = (_agree(getattr(posted, name), read[name]) for name in ("purchase_time", "receipt_number"))
    if time is False and number is False:
        return False
    return bool(time or number) or _is_like(posted.merchant, read["merchant"])


def _agree(one: object, other: object) -> bool | None:
    """None where one of them is not known."""
    return None if one is None or other is None else one == other


def _is_like(one: str | None, other: str | None) -> bool:
    if not one or not other:
        return False
    names = _folded(one), _folded(other)
    joined = tuple(name.replace(" ", "") for name in names)
    if not all(joined):
        return False
    return max(fuzz.token_set_ratio(*names), fuzz.ratio(*joined)) >= _LIKE_PERCENT


def _folded(name: str) -> str:
    """Letters and digits without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    letters = "".join(character for character in plain if not unicodedata.combining(character))
    return " ".join(re.findall(r"\w+", letters))
