"""The rates that are kept: units of a currency for one euro, by day. What is there is never changed by a later file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from decimal import Decimal

from sqlalchemy import func, text
from sqlmodel import Session, select

from flows.ledger.schema import ExchangeRate

_AT_ONCE = 20_000
_INSERT = text(
    """INSERT INTO exchange_rates (currency, day, per_euro, source)
    SELECT *, CAST(:source AS text)
    FROM unnest(CAST(:currencies AS text[]), CAST(:days AS date[]), CAST(:rates AS numeric[]))
    ON CONFLICT DO NOTHING"""
)


def newest_day(*, session: Session) -> dt.date | None:
    """The last day with rates; None where none are kept."""
    return session.exec(select(func.max(ExchangeRate.day))).one()


def keep_rates(rates: Iterable[tuple[str, dt.date, Decimal]], source: str, *, session: Session) -> int:
    """Keep rates of days that are not kept yet.

    Args:
        rates: Currency, day, units for one euro.
        source: Where they are from, for people.
        session: The transaction.

    Returns:
        How many were new.
    """
    known = newest_day(session=session)
    new = [rate for rate in rates if known is None or rate[1] > known]
    for first in range(0, len(new), _AT_ONCE):
        currencies, days, values = zip(*new[first : first + _AT_ONCE], strict=True)
        session.execute(
            _INSERT, {"currencies": list(currencies), "days": list(days), "rates": list(values), "source": source}
        )
    return len(new)
