"""Value added tax from the tax rows of expenses that count: period by rate by currency, and what does not add up."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from decimal import Decimal
from typing import Literal, NamedTuple, cast, get_args

from sqlalchemy import text
from sqlmodel import Session

from flows.ledger.errors import InvalidReferenceError

Grouping = Literal["month", "quarter", "year"]
_FORMATS = {"month": "YYYY-MM", "quarter": 'YYYY-"Q"Q', "year": "YYYY"}
_FETCHED_ROWS = 2000


def vat_grouping(name: str) -> Grouping:
    """The grouping of this name.

    Raises:
        InvalidReferenceError: There is none.
    """
    for known in get_args(Grouping):
        if known == name:
            return cast("Grouping", known)
    raise InvalidReferenceError(f"by: {name!r} is none of {', '.join(get_args(Grouping))}")


class VatRow(NamedTuple):
    """All tax of one period, currency and rate. `net` and `gross` are None where a receipt tells neither."""

    period: str
    currency: str | None
    rate: Decimal | None
    receipts: int
    net: Decimal | None
    tax: Decimal
    gross: Decimal | None


class WithoutTax(NamedTuple):
    """An expense that the report cannot hold as a whole, and why: `no_tax`, or by how much its rows miss the total."""

    public_id: str
    purchase_date: dt.date | None
    merchant: str | None
    total: Decimal
    currency: str | None
    reason: str
    difference: Decimal | None


# Where a receipt has one row without its net amount, that is the total less tax and tip; two such rows cannot be told
# apart. Rows without an amount tell nothing.
_ROWS = """
    SELECT e.public_id, e.purchase_date, e.merchant, e.total, e.currency, COALESCE(e.tip, 0) AS tip,
        COALESCE(e.rounding, 0) AS rounding, t.rate, t.amount,
        COALESCE(t.net, CASE WHEN count(*) OVER (PARTITION BY e.id) = 1
            THEN e.total - COALESCE(e.tip, 0) - COALESCE(e.rounding, 0) - t.amount END) AS net
    FROM expenses e JOIN expense_taxes t ON t.expense_id = e.id
    WHERE e.owner = :owner AND e.voided_at IS NULL AND t.amount IS NOT NULL
        AND e.purchase_date BETWEEN :first AND :last"""
# Half a unit of rounding for each row of a receipt with some rates, and never less than a cent.
_MISSES = "abs(sum(net + amount) + max(tip) + max(rounding) - max(total)) > 0.01 * GREATEST(count(*), 1)"


def vat_rows(
    owner: str, first: dt.date, last: dt.date, *, session: Session, grouping: Grouping = "quarter"
) -> list[VatRow]:
    """The sums of a period, by sub-period, currency and rate."""
    query = text(
        f"""SELECT to_char(purchase_date, :format), currency, rate, count(DISTINCT public_id),
            CASE WHEN bool_and(net IS NOT NULL) THEN sum(net) END, sum(amount),
            CASE WHEN bool_and(net IS NOT NULL) THEN sum(net + amount) END
        FROM ({_ROWS}) AS rows GROUP BY 1, 2, 3 ORDER BY 1, 2 NULLS FIRST, 3 NULLS FIRST"""  # noqa: S608  # constants of this module
    )
    values = {"owner": owner, "first": first, "last": last, "format": _FORMATS[grouping]}
    return [VatRow(*row) for row in session.execute(query, values)]


def without_tax(
    owner: str, first: dt.date, last: dt.date, *, session: Session, limit: int | None = None
) -> Iterator[WithoutTax]:
    """Expenses without a tax row, without a date, and those whose net and tax do not add up to their total."""
    query = text(
        f"""SELECT public_id, purchase_date, merchant, total, currency, 'no_tax', CAST(NULL AS numeric) FROM expenses e
        WHERE owner = :owner AND voided_at IS NULL AND purchase_date BETWEEN :first AND :last
            AND NOT EXISTS (SELECT FROM expense_taxes t WHERE t.expense_id = e.id AND t.amount IS NOT NULL)
        UNION ALL
        SELECT public_id, purchase_date, merchant, total, currency, 'no_date', NULL FROM expenses e
        WHERE owner = :owner AND voided_at IS NULL AND purchase_date IS NULL
        UNION ALL
        SELECT public_id, max(purchase_date), max(merchant), max(total), max(currency),
            CASE WHEN bool_and(net IS NOT NULL) THEN 'does_not_add_up' ELSE 'net_unknown' END,
            CASE WHEN bool_and(net IS NOT NULL)
                THEN sum(net + amount) + max(tip) + max(rounding) - max(total) END
        FROM ({_ROWS}) AS rows GROUP BY public_id HAVING {_MISSES} OR NOT bool_and(net IS NOT NULL)
        ORDER BY 2 NULLS FIRST, 1 LIMIT :limit"""  # noqa: S608  # constants of this module
    )
    rows = session.execute(
        query.execution_options(yield_per=_FETCHED_ROWS), {"owner": owner, "first": first, "last": last, "limit": limit}
    )
    return (WithoutTax(*row) for row in rows)
