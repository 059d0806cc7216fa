"""What an owner's expenses usually say: merchants and currencies to suggest for the next one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlmodel import Session, col, select

from flows.ledger.schema import Expense

_NEWEST = 500  # expenses that are looked at: the last year or so of a household, and quickly read


@dataclass(frozen=True, slots=True)
class Usual:
    """Values of an owner's newest expenses, the most frequent first, of equally frequent ones the newest."""

    merchants: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()


def usual_values(owner: str, *, session: Session) -> Usual:
    """The merchants and currencies of an owner's newest expenses that count."""
    query = select(Expense.merchant, Expense.currency).where(Expense.owner == owner, col(Expense.voided_at).is_(None))
    rows = session.exec(query.order_by(col(Expense.created_at).desc(), col(Expense.id).desc()).limit(_NEWEST)).all()
    return Usual(_by_count(merchant for merchant, _ in rows), _by_count(currency for _, currency in rows))


def _by_count(values: Iterable[str | None]) -> tuple[str, ...]:
    counts = Counter(value for value in values if value)
    return tuple(value for value, _ in counts.most_common())  # of equal counts the one met first, which is the newest
