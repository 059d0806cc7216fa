"""Expenses with their lines, taxes and pictures as a stream from the database: some thousand rows in memory at a time.

Beside each stands what a target was told of it last, so that one pass tells what is new, changed and voided.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import Row, text
from sqlmodel import Session

from flows.ledger.errors import InvalidReferenceError
from flows.ledger.exports.journal import Booked

# Rows that a FETCH brings; the spread of one round trip over them is not measurable beyond a thousand.
_FETCHED_ROWS = 2000
_IDLE_TIMEOUT_SECONDS = 60
_STATEMENT_TIMEOUT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Period:
    """Days of purchase, both inclusive; None leaves an end open. Expenses without a date are in the open one alone."""

    first: dt.date | None = None
    last: dt.date | None = None

    def __post_init__(self) -> None:
        """Refuse what ends before it begins.

        Raises:
            InvalidReferenceError: It does.
        """
        if self.first and self.last and self.first > self.last:
            raise InvalidReferenceError(f"the period ends ({self.last}) before it begins ({self.first}); swap them")

    @property
    def is_open(self) -> bool:
        """Whether it is all of time."""
        return self.first is None and self.last is None

    def holds(self, day: dt.date | None) -> bool:
        """Whether a day of purchase is in it."""
        if day is None:
            return self.is_open
        return (self.first is None or self.first <= day) and (self.last is None or day <= self.last)


class ExportLine(NamedTuple):
    """One bought thing."""

    description: str
    quantity: Decimal | None
    unit_price: Decimal | None
    discount: Decimal | None
    total: Decimal | None
    category: str | None


class ExportTax(NamedTuple):
    """One row of the tax table; `rate` in percent."""

    rate: Decimal | None
    net: Decimal | None
    amount: Decimal | None


class Original(NamedTuple):
    """The picture in its bucket."""

    bucket: str
    key: str
    etag: str
    version_id: str
    size_bytes: int
    media_type: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ExpenseRow:
    """One expense with all that books can hold of it. `booked` is what the target was told last."""

    public_id: str
    revision: int
    voided: bool
    merchant: str | None
    purchase_date: dt.date | None
    purchase_time: dt.time | None
    total: Decimal
    subtotal: Decimal | None
    tax: Decimal | None
    tip: Decimal | None
    rounding: Decimal | None
    currency: str | None
    country: str | None
    receipt_number: str | None
    payment_method: str | None
    category: str | None
    tags: tuple[str, ...]
    notes: str | None
    home_currency: str | None
    home_total: Decimal | None
    rate: Decimal | None
    lines: tuple[ExportLine, ...]
    taxes: tuple[ExportTax, ...]
    original: Original
    booked: Booked | None


def stream_expenses(
    owner: str, target: str, period: Period, *, session: Session, voided_too: bool = True, booked_too: bool = False
) -> Iterator[ExpenseRow]:
    """An owner's expenses by day of purchase and public id, read as they were when the stream began.

    Args:
        owner: Whose.
        target: Of which export `booked` tells.
        period: Days of purchase.
        session: The transaction; its limits on time are raised, as whoever reads may be a file that grows.
        voided_too: Also those that count no more.
        booked_too: Also those outside the period that the target was told of.
    """
    session.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{_IDLE_TIMEOUT_SECONDS}s'"))
    session.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT_SECONDS}s'"))
    # Compiling takes longer than some ten thousand rows do, and its estimates of nested queries are far too high.
    session.execute(text("SET LOCAL jit = off"))
    # All rows of large tables are joined, one of which may have been filled a moment ago, unknown to the planner.
    session.execute(text("SET LOCAL enable_nestloop = off"))
    wanted, values = _within(period, booked_too=booked_too)
    query = text(f"{_SELECT} {wanted} {'' if voided_too else 'AND e.voided_at IS NULL'} {_ORDER}")
    rows = session.execute(
        query.execution_options(yield_per=_FETCHED_ROWS), {"owner": owner, "target": target} | values
    )
    return map(_as_value, rows)


def _within(period: Period, *, booked_too: bool) -> tuple[str, dict[str, Any]]:
    if period.is_open:
        return "", {}
    first, last = period.first or dt.date.min, period.last or dt.date.max
    day = "e.purchase_date BETWEEN :first AND :last"
    return f"AND ({day}{' OR b.public_id IS NOT NULL' if booked_too else ''})", {"first": first, "last": last}


# Money goes as text inside JSON, whose numbers would come back as floats.
_SELECT = """
    SELECT e.public_id, e.revision, e.voided_at IS NOT NULL AS voided, e.merchant, e.purchase_date, e.purchase_time,
        e.total, e.subtotal, e.tax, e.tip, e.rounding, e.currency, e.country, e.receipt_number, e.payment_method,
        e.category, e.tags, e.notes,
        e.home_currency, e.home_total, e.rate,
        (SELECT json_agg(json_build_array(l.description, l.quantity::text, l.unit_price::text, l.discount::text,
            l.total::text, l.category) ORDER BY l.position) FROM line_items l WHERE l.expense_id = e.id) AS lines,
        (SELECT json_agg(json_build_array(t.rate::text, t.net::text, t.amount::text) ORDER BY t.position)
            FROM expense_taxes t WHERE t.expense_id = e.id) AS taxes,
        r.bucket, r.key, r.etag, r.version_id, r.size_bytes, c.media_type, c.sha256 AS content_sha256,
        b.revision AS booked_revision, b.version AS booked_version, b.sha256 AS booked_sha256,
        b.voided AS booked_voided, b.entry AS booked_entry, b.remote_id AS booked_remote_id
    FROM expenses e
    JOIN receipts r ON r.id = e.receipt_id
    JOIN contents c ON c.id = e.content_id
    LEFT JOIN (
        SELECT DISTINCT ON (public_id) * FROM export_items WHERE owner = :owner AND target = :target
        ORDER BY public_id, id DESC
    ) b ON b.public_id = e.public_id
    WHERE e.owner = :owner"""
_ORDER = 'ORDER BY e.purchase_date NULLS FIRST, e.public_id COLLATE "C"'


def _as_value(row: Row[Any]) -> ExpenseRow:
    (
        public_id, revision, voided, merchant, purchase_date, purchase_time, total, subtotal, tax, tip, rounding,
        currency, country, receipt_number, payment_method, category, tags, notes, home_currency, home_total, rate,
        lines, taxes, bucket, key, etag, version_id, size_bytes, media_type, sha256,
        booked_revision, booked_version, booked_sha256, booked_voided, booked_entry, booked_remote_id,
    ) = row  # fmt: skip
    booked = None
    if booked_revision is not None:
        booked = Booked(
            public_id, booked_revision, booked_version, booked_sha256, booked_voided, booked_entry, booked_remote_id
        )
    return ExpenseRow(
        public_id, revision, voided, merchant, purchase_date, purchase_time, total, subtotal, tax, tip, rounding,
        currency, country, receipt_number, payment_method, category, tuple(tags or ()), notes, home_currency,
        home_total, rate, tuple(map(_line, lines or ())), tuple(map(_tax, taxes or ())),
        Original(bucket, key, etag, version_id, size_bytes, media_type, sha256), booked,
    )  # fmt: skip


def _line(row: list[str | None]) -> ExportLine:
    description, quantity, unit_price, discount, total, category = row
    numbers = (_number(quantity), _number(unit_price), _number(discount), _number(total))
    return ExportLine(description or "", *numbers, category)


def _tax(row: list[str | None]) -> ExportTax:
    return ExportTax(*map(_number, row))


def _number(value: str | None) -> Decimal | None:
    return None if value is None else Decimal(value)
