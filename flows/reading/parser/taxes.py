"""Rows of a tax table: rate, net and tax (and gross) amounts on one line that fit each other arithmetically."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import permutations

from flows.domain.fields import Found, Tax
from flows.reading.parser.concepts import concepts_of
from flows.reading.parser.lines import Line

MAX_RATE = Decimal(30)  # percent; the highest VAT rate in force is Hungary's 27
_CENT = Decimal("0.01")
_TOLERANCE = Decimal("0.02")  # two roundings to the cent


@dataclass(frozen=True)
class TaxRow:
    """One row of the table; `summed` marks the line that adds the others up."""

    line: Line
    rate: Decimal | None
    net: Decimal
    amount: Decimal
    summed: bool = False

    @property
    def gross(self) -> Decimal:
        return self.net + self.amount


def find_taxes(lines: Sequence[Line]) -> list[TaxRow]:
    """Return the rows whose figures agree, in printed order, the summing line marked."""
    rows = [row for line in lines if (row := _row(line)) is not None]
    return _unsummed(rows)


def table_gross(rows: Sequence[TaxRow]) -> Decimal | None:
    """Return what the table's rows add up to with tax; None without rows."""
    parts = [row for row in rows if not row.summed]
    return sum((row.gross for row in parts), Decimal(0)) if parts else None


def as_found(rows: Sequence[TaxRow]) -> tuple[Found[Tax], ...]:
    """Return the rows as field values, without the summing line."""
    return tuple(
        Found(
            value=Tax(rate=row.rate, net=row.net, amount=row.amount),
            confidence=round(0.95 * row.line.row.confidence, 3),
            page=row.line.row.page,
            bbox=row.line.row.bbox,
            evidence=row.line.raw,
        )
        for row in rows
        if not row.summed
    )


def _row(line: Line) -> TaxRow | None:
    in_table = any(money.label.kind == "table" for money in line.money)
    values = [abs(money.amount.value) for money in line.money][:4]
    if not in_table and "TAX" not in concepts_of(line.text) and not (len(values) >= 3 and "%" in line.text):
        return None
    if "SERVICE" in concepts_of(line.text):
        return None
    rates = _rates(line)
    if len(values) >= 3:
        for gross, net, tax in permutations(values, 3):
            if net + tax == gross and tax <= net * MAX_RATE / 100 and _rate_fits(rates, net, tax):
                return TaxRow(line, _rate_of(rates, net, tax), net, tax)
    if len(values) >= 2:
        return _pair(line, values, rates, in_table=in_table)
    return None


def _pair(line: Line, values: list[Decimal], rates: list[Decimal], *, in_table: bool) -> TaxRow | None:
    for base, tax in permutations(values, 2):
        if tax > base * MAX_RATE / 100:
            continue
        for rate in rates:
            on_net, in_gross = abs(base * rate / 100 - tax), abs(base * rate / (100 + rate) - tax)
            if rate and in_gross <= _TOLERANCE and (in_gross < on_net or "INCL" in concepts_of(line.text)):
                return TaxRow(line, rate, base - tax, tax)
            if on_net <= _TOLERANCE:
                return TaxRow(line, rate, base, tax)
    base, tax = values[0], values[1]
    if in_table and not rates and tax <= base * MAX_RATE / 100:
        return TaxRow(line, None, base, tax)
    return None


def _rates(line: Line) -> list[Decimal]:
    """Return the numbers that may be the rate: percents first, then small bare numbers (`SR 6`, `GST 68` for 6%)."""
    percents = [amount.value for amount in line.amounts if amount.percent and amount.value <= MAX_RATE]
    if percents:
        return percents
    bare = [
        amount.value for amount in line.amounts if not amount.percent and amount.decimals == 0 and amount.mark is None
    ]
    return [value for value in bare if value <= MAX_RATE] + [
        value // 10 for value in bare if 30 < value < 300 and value % 10 in {7, 8}
    ]


def _rate_fits(rates: list[Decimal], net: Decimal, tax: Decimal) -> bool:
    return not rates or any(abs(net * rate / 100 - tax) <= _TOLERANCE for rate in rates)


def _rate_of(rates: list[Decimal], net: Decimal, tax: Decimal) -> Decimal | None:
    return next((rate for rate in rates if abs(net * rate / 100 - tax) <= _TOLERANCE), None)


def _unsummed(rows: list[TaxRow]) -> list[TaxRow]:
    """Mark the rows without a rate that repeat the sum of those before them."""
    marked: list[TaxRow] = []
    for row in rows:
        before = [each for each in marked if not each.summed]
        net = sum((each.net for each in before), Decimal(0))
        tax = sum((each.amount for each in before), Decimal(0))
        again = any(each.net == row.net and each.amount == row.amount for each in before)
        sums_up = bool(before) and (abs(row.net - net) <= _TOLERANCE and abs(row.amount - tax) <= _TOLERANCE)
        summed = row.rate is None and bool(before) and (sums_up or again)
        marked.append(TaxRow(row.line, row.rate, row.net, row.amount, summed or again))
    return marked
