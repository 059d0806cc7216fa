"""Which expenses a person means: the bounds and words of a list, a search or a sum, and the search's own index."""

from __future__ import annotations

import datetime as dt
import operator
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, cast, exists, func, literal, or_, update
from sqlalchemy.dialects.postgresql import ARRAY, TSQUERY, insert
from sqlalchemy.types import Text
from sqlmodel import Session, col, select

from flows.ledger.errors import InvalidReferenceError
from flows.ledger.expenses.words import lexemes, tsquery
from flows.ledger.locking import clean
from flows.ledger.schema import Content, ContentText, Expense, ExpenseLine, ExtractionRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which expenses; bounds are inclusive, None means any.

    `text` are words of which each has to begin a printed word or a word of a field, in any case, accents ignored.
    `merchant` is any part of the name. `category` is of the expense or of one of its lines; empty means those that have
    none. `voided` True means only those that count no more, None both.
    """

    owner: str | None = None
    since: dt.date | None = None
    until: dt.date | None = None
    merchant: str | None = None
    total_from: Decimal | None = None
    total_to: Decimal | None = None
    currency: str | None = None
    text: str | None = None
    category: str | None = None
    tag: str | None = None
    voided: bool | None = False


def conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    """What a query has to demand of `Expense`.

    Raises:
        InvalidReferenceError: `text` holds no letter and no digit.
    """
    bounds: list[tuple[Callable[[Any, Any], Any], Any, Any]] = [
        (operator.eq, Expense.owner, wanted.owner),
        (operator.ge, Expense.purchase_date, wanted.since),
        (operator.le, Expense.purchase_date, wanted.until),
        (_contains, Expense.merchant, wanted.merchant),
        (operator.ge, Expense.total, wanted.total_from),
        (operator.le, Expense.total, wanted.total_to),
        (operator.eq, Expense.currency, wanted.currency),
    ]
    demanded = [compare(col(field), value) for compare, field, value in bounds if value is not None]
    if wanted.text is not None:
        demanded.append(_is_found(wanted.text))
    if wanted.category is not None:
        demanded.append(_has_category(wanted.category))
    if wanted.tag is not None:
        demanded.append(col(Expense.tags).contains([clean(wanted.tag)]))
    if wanted.voided is not None:
        voided_at = col(Expense.voided_at)
        demanded.append(voided_at.is_not(None) if wanted.voided else voided_at.is_(None))
    return demanded


def keep_text(content_id: UUID, text: str, *, session: Session) -> None:
    """Write the printed words of a content, in place of those of an earlier reading."""
    values = {"text": clean(text), "tsv": _tsv(lexemes(text))}
    query = insert(ContentText).values(content_id=content_id, **values)
    session.execute(query.on_conflict_do_update(index_elements=["content_id"], set_=values))


@dataclass(frozen=True, slots=True)
class Unsearchable:
    """A content that was read before there was a search; its words lie at `words_key` in the results bucket."""

    content_id: UUID
    words_key: str


def unsearchable(limit: int, *, session: Session) -> list[Unsearchable]:
    """Contents that were read and have no text yet, at most `limit`."""
    has_text = exists().where(col(ContentText.content_id) == col(ExtractionRow.content_id))
    newest = (
        select(ExtractionRow.content_id, ExtractionRow.words_key)
        .distinct(col(ExtractionRow.content_id))
        .where(~has_text)
        .order_by(col(ExtractionRow.content_id), col(ExtractionRow.created_at).desc())
    )
    return [Unsearchable(content_id, key) for content_id, key in session.exec(newest.limit(limit))]


def keep_missing_text(content_id: UUID, text: str, *, session: Session) -> None:
    """As `keep_text` and `index_fields`, unless a reading wrote the text meanwhile or the content was deleted."""
    there = select(Content.id, literal(clean(text)), _tsv(lexemes(text))).where(Content.id == content_id)
    new = insert(ContentText).from_select(["content_id", "text", "tsv"], there.with_for_update(key_share=True))
    session.execute(new.on_conflict_do_nothing(index_elements=["content_id"]))
    index_fields(content_id, session=session)


def index_fields(content_id: UUID, *, session: Session) -> None:
    """Let a content be found by the fields of its expenses too, as they are now; by nothing if it has no text."""
    text = session.exec(select(ContentText.text).where(ContentText.content_id == content_id)).one_or_none()
    if text is None:
        return
    expenses = session.exec(select(Expense.tags, *_SEARCHED).where(Expense.content_id == content_id)).all()
    lines = session.exec(
        select(ExpenseLine.description)
        .join(Expense, col(Expense.id) == col(ExpenseLine.expense_id))
        .where(Expense.content_id == content_id)
    ).all()
    fields = [str(value) for _, *row in expenses for value in row if value is not None]
    fields += [tag for tags, *_ in expenses for tag in tags]
    words = lexemes(text, *fields, *lines)
    session.execute(update(ContentText).where(col(ContentText.content_id) == content_id).values(tsv=_tsv(words)))


_SEARCHED: tuple[Any, ...] = (
    Expense.merchant,
    Expense.total,
    Expense.currency,
    Expense.purchase_date,
    Expense.receipt_number,
    Expense.payment_method,
    Expense.notes,
    Expense.public_id,
)


def _is_found(text: str) -> ColumnElement[bool]:
    query = tsquery(text)
    if not query:
        raise InvalidReferenceError(f"text: {text[:80]!r} holds no letter and no digit to look for; type a word")
    found = select(ContentText.content_id).where(
        col(ContentText.tsv).op("@@")(cast(bindparam("words", query, unique=True), TSQUERY))
    )
    return col(Expense.content_id).in_(found)


def _has_category(name: str) -> ColumnElement[bool]:
    if not name:
        return col(Expense.category).is_(None)
    lines = select(ExpenseLine.expense_id).where(ExpenseLine.category == clean(name))
    return or_(col(Expense.category) == clean(name), col(Expense.id).in_(lines))


def _tsv(words: list[str]) -> Any:
    return func.array_to_tsvector(cast(words, ARRAY(Text)))


def _contains(column: Any, part: str) -> Any:
    return column.icontains(clean(part), autoescape=True)
