"""A sample receipt's arithmetic, exact in `Decimal`: line totals, taxes by rate, tip, rounding, change."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from deployments.samples.model import Item, SampleReceipt, TaxRate

ZERO = Decimal(0)


@dataclass(frozen=True)
class TaxSum:
    """What one tax comes to. `gross` is what was paid for the goods under its code, the tax included."""

    rate: TaxRate
    net: Decimal
    amount: Decimal
    gross: Decimal


@dataclass(frozen=True)
class Sums:
    """All amounts of a receipt. `rounding` is signed: total = subtotal + added tax + tip + rounding."""

    lines: tuple[Decimal, ...]
    subtotal: Decimal
    taxes: tuple[TaxSum, ...]
    tip: Decimal
    rounding: Decimal
    total: Decimal
    change: Decimal

    @property
    def tax(self) -> Decimal:
        """All taxes together."""
        return sum((row.amount for row in self.taxes), ZERO)

    @property
    def before_rounding(self) -> Decimal:
        """The sum that was rounded to coins."""
        return self.total - self.rounding


def add_up(receipt: SampleReceipt) -> Sums:
    """Every amount that the receipt prints.

    Raises:
        ValueError: the cash given does not cover the total.
    """
    unit = Decimal(1).scaleb(-receipt.locale.decimals)
    lines = tuple(to_step(item.price * item.quantity, unit) for item in receipt.items)
    taxes = tuple(_tax(receipt, rate, lines, unit) for rate in receipt.rates if _uses(receipt.items, rate))
    subtotal = sum(lines, ZERO)
    added = ZERO if receipt.locale.tax_included else sum((row.amount for row in taxes), ZERO)
    exact = subtotal + added + receipt.tip
    total = _payable(receipt, exact)
    change = ZERO if receipt.tendered is None else receipt.tendered - total
    if change < ZERO:
        raise ValueError(f"{receipt.name}: {receipt.tendered} in cash does not pay {total}")
    return Sums(lines, subtotal, taxes, receipt.tip, total - exact, total, change)


def to_step(amount: Decimal, step: Decimal) -> Decimal:
    """`amount` rounded half up to a multiple of `step`: 112.46 to 0.05 gives 112.45."""
    return (amount / step).quantize(Decimal(1), ROUND_HALF_UP) * step


def _uses(items: tuple[Item, ...], rate: TaxRate) -> bool:
    return any(item.rate == rate.code for item in items)


def _tax(receipt: SampleReceipt, rate: TaxRate, lines: tuple[Decimal, ...], unit: Decimal) -> TaxSum:
    base = sum((line for item, line in zip(receipt.items, lines, strict=True) if item.rate == rate.code), ZERO)
    if receipt.locale.tax_included:
        net = to_step(base / (1 + rate.percent / 100), unit)
        return TaxSum(rate, net, base - net, base)
    amount = to_step(base * rate.percent / 100, unit)
    return TaxSum(rate, base, amount, base + amount)


def _payable(receipt: SampleReceipt, exact: Decimal) -> Decimal:
    """Cash is rounded to the country's smallest coin; some receipts are rounded however they are paid."""
    step = receipt.round_to or (receipt.locale.cash_step if receipt.tendered is not None else None)
    return exact if step is None else to_step(exact, step).quantize(exact)
