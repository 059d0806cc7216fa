"""The report on value added tax: sums by period, rate and currency, and every expense that it cannot hold is named."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest
from export_helpers import OWNER, spent, void
from sqlalchemy import text

from flows.ledger.database import Ledger
from flows.ledger.errors import InvalidReferenceError
from flows.ledger.exports import VatRow, WithoutTax, vat_grouping, vat_rows, without_tax

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 12, 31)


def taxed(
    ledger: Ledger, key: str, total: str, *rows: tuple[str | None, str | None, str | None], **fields: object
) -> str:
    """An expense with these rates, nets and amounts."""
    values = {"purchase_date": dt.date(2026, 5, 5), "total": Decimal(total), "tax": None} | fields
    public_id = spent(ledger, key, **values)
    with ledger.session() as session:
        of = {"public_id": public_id}
        session.execute(
            text("DELETE FROM expense_taxes USING expenses e WHERE expense_id = e.id AND e.public_id = :public_id"), of
        )
        query = text(
            """INSERT INTO expense_taxes (expense_id, position, rate, net, amount)
            SELECT id, :position, CAST(:rate AS numeric), CAST(:net AS numeric), CAST(:amount AS numeric)
            FROM expenses WHERE public_id = :public_id"""
        )
        for position, (rate, net, amount) in enumerate(rows, start=1):
            session.execute(query, of | {"position": position, "rate": rate, "net": net, "amount": amount})
    return public_id


def report(ledger: Ledger, by: str = "year") -> tuple[list[VatRow], list[WithoutTax]]:
    """Of the year."""
    with ledger.session() as session:
        rows = vat_rows(OWNER, FIRST, LAST, grouping=vat_grouping(by), session=session)
        return rows, list(without_tax(OWNER, FIRST, LAST, session=session))


def test_rates_and_currencies_are_summed_apart(ledger: Ledger) -> None:
    taxed(ledger, "a", "13.03", ("19", "10.00", "1.90"), ("7", "1.06", "0.07"))
    taxed(ledger, "b", "1.19", ("19.00", "1.00", "0.19"))
    taxed(ledger, "c", "110", ("10", "100", "10"), currency="JPY")
    taxed(ledger, "refund", "-1.19", ("19", "-1.00", "-0.19"))
    gone = taxed(ledger, "gone", "119", ("19", "100", "19"))
    void(ledger, gone)
    rows, without = report(ledger)
    assert [(r.currency, r.rate, r.receipts, r.net, r.tax, r.gross) for r in rows] == [
        ("EUR", Decimal(7), 1, Decimal("1.06"), Decimal("0.07"), Decimal("1.13")),
        ("EUR", Decimal(19), 3, Decimal("10.00"), Decimal("1.90"), Decimal("11.90")),
        ("JPY", Decimal(10), 1, Decimal(100), Decimal(10), Decimal(110)),
    ]
    assert without == []


def test_a_net_that_is_not_printed_is_the_rest_of_the_only_rate(ledger: Ledger) -> None:
    taxed(ledger, "one", "12.90", ("19", None, "1.90"), tip=Decimal("1.00"))
    two = taxed(ledger, "two", "20.00", ("19", None, "1.90"), ("7", "5.00", "0.35"))
    rows, (unknown,) = report(ledger)
    assert [(r.rate, r.net, r.tax) for r in rows] == [
        (Decimal(7), Decimal("5.00"), Decimal("0.35")),
        (Decimal(19), None, Decimal("3.80")),
    ]
    assert (unknown.public_id, unknown.reason, unknown.difference) == (two, "net_unknown", None)


def test_what_does_not_add_up_and_what_has_no_tax_is_named(ledger: Ledger) -> None:
    wrong = taxed(ledger, "wrong", "15.00", ("19", "10.00", "1.90"))
    none = taxed(ledger, "none", "3.00")
    empty = taxed(ledger, "empty", "4.00", ("19", None, None))
    dateless = taxed(ledger, "dateless", "5.00", ("19", "4.20", "0.80"), purchase_date=None)
    rounded = taxed(ledger, "rounded", "11.91", ("19", "10.00", "1.90"))
    _, without = report(ledger)
    told = {one.public_id: (one.reason, one.difference) for one in without}
    assert told == {
        wrong: ("does_not_add_up", Decimal("-3.10")),
        none: ("no_tax", None),
        empty: ("no_tax", None),
        dateless: ("no_date", None),
    }
    assert rounded not in told


@pytest.mark.parametrize(
    ("by", "periods"), [("month", ["2026-01", "2026-03"]), ("quarter", ["2026-Q1"]), ("year", ["2026"])]
)
def test_periods(ledger: Ledger, by: str, periods: list[str]) -> None:
    for key, month in (("a", 1), ("b", 3)):
        taxed(ledger, key, "1.19", ("19", "1.00", "0.19"), purchase_date=dt.date(2026, month, 31))
    rows, _ = report(ledger, by)
    assert [row.period for row in rows] == periods


def test_there_is_no_such_grouping() -> None:
    with pytest.raises(InvalidReferenceError, match="by: 'week'"):
        vat_grouping("week")
