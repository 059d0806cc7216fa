"""The cross-checks that come out at a total, from what the labelled amounts, the items and the tax table say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from flows.reading.parser.metered import Metered

_MAX_WAYS = 2000
MAX_ROUNDING = Decimal("0.05")  # the coarsest cash rounding of a currency with cents (Switzerland, Malaysia, Canada …)


@dataclass(frozen=True)
class Amounts:
    """What the labelled amounts, the items and the tax table say; `named` has each label's in printed order."""

    named: Mapping[str, Sequence[Decimal]]
    items: Decimal | None = None
    table: Decimal | None = None
    metered: Sequence[Metered] = ()

    def values(self, kind: str) -> list[Decimal]:
        """Return the amounts with that kind of label, in printed order."""
        return list(self.named.get(kind, ()))

    def positive(self, kind: str) -> list[Decimal]:
        """Return the same without signs and zeros."""
        return [abs(value) for value in self.values(kind) if value]


def proofs_of(value: Decimal, sums: Amounts) -> dict[str, str]:
    """Return the cross-checks that come out at `value`, each in words that a person understands."""
    found: dict[str, str] = {}
    for check in _CHECKS:
        entry = check(value, sums)
        if entry is not None:
            found[entry[0]] = entry[1]
    return found


def _paid_minus_change(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    given = [*sums.positive("cash"), *sums.positive("card")]
    for paid in [*given, sum(given, Decimal(0))]:
        for change in sums.positive("change"):
            if paid - change == value:
                return "cash_change", f"{paid} paid − {change} change = {value}"
            if any(paid - change - value in {rounding, -rounding} for rounding in sums.positive("rounding")):
                return "cash_change_rounded", f"{paid} paid − {change} change = {value}, rounded"
    return None


def _subtotal_and_more(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    for subtotal in dict.fromkeys(sums.positive("subtotal")):
        way = _ways(subtotal, sums).get(value)
        if way is not None and subtotal != value:
            return "subtotal_tax", f"subtotal {subtotal}{way} = {value}"
    return None


def _ways(subtotal: Decimal, sums: Amounts) -> dict[Decimal, str]:
    """Return what tax, service, tip, rounding and discount can make of a subtotal, and how."""
    ways = {subtotal: ""}
    for kind, signs in (
        ("tax", (1,)),
        ("service", (1,)),
        ("tip", (1,)),
        ("discount", (-1,)),
        ("deposit", (1,)),
        ("rounding", (1, -1)),
    ):
        values = [value for value in sums.values(kind) if value] if kind == "rounding" else sums.positive(kind)
        for step in dict.fromkeys([*values, sum(values, Decimal(0))] if values else []):
            for way, how in list(ways.items()):
                for sign in signs:
                    ways.setdefault(way + sign * step, f"{how} {'+' if sign * step > 0 else '−'} {abs(step)} {kind}")
        if len(ways) > _MAX_WAYS:
            break
    return ways


def _tendered(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    for kind, words in (("card", "by card"), ("cash", "in cash"), ("voucher", "by voucher")):
        if value in sums.positive(kind):
            return "tendered", f"{value} was paid {words}"
    return None


def _split(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    """Add up what was paid by several means: a gift card and the rest by card."""
    paid = list(dict.fromkeys([*sums.positive("voucher"), *sums.positive("card"), *sums.positive("cash")]))
    change = sums.positive("change")
    earlier = sums.positive("deposit")
    if len(paid) > 1 and sum(paid + earlier, Decimal(0)) - (change[0] if change else 0) == value:
        return "split_payment", f"{', '.join(map(str, paid + earlier))} were paid, together {value}"
    for first, one in enumerate(paid):
        for other in paid[first + 1 :]:
            if one + other - (change[0] if change else 0) == value:
                return "split_payment", f"{one} and {other} were paid, together {value}"
    return None


def _items(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    if sums.items is None or value == 0:
        return None
    if sums.items == value:
        return "items", f"the items add up to {value}"
    extras = {
        "tax": sums.positive("tax"),
        "service": sums.positive("service"),
        "discount": [-each for each in sums.positive("discount")],
    }
    for kind, steps in extras.items():
        for step in dict.fromkeys([*steps, sum(steps, Decimal(0))]):
            if step and sums.items + step == value:
                return (
                    "items",
                    f"the items add up to {sums.items}, {'+' if step > 0 else '−'} {abs(step)} {kind} = {value}",
                )
    rounded = abs(sums.items - value) <= MAX_ROUNDING and any(
        abs(each) == abs(sums.items - value) for each in sums.positive("rounding")
    )
    return ("items", f"the items add up to {sums.items}, rounded to {value}") if rounded else None


def tax_table_proof(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    """Return the check's name and words where the tax table's net and tax come out at `value`."""
    if sums.table is None or not value:
        return None
    if sums.table == value or any(abs(sums.table - value) == each for each in sums.positive("rounding")):
        return "tax_table", f"the tax table's net and tax add up to {sums.table}"
    for kind, words in (("tip", "tip"), ("voucher", "paid by voucher"), ("deposit", "deposit")):
        if value - sums.table in sums.positive(kind):
            more = value - sums.table
            return "tax_table", f"the tax table's net and tax add up to {sums.table}, + {more} {words} = {value}"
    return None


def _parts(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    parts = list(dict.fromkeys(part for part in sums.values("partial") if part))
    for first, one in enumerate(parts):
        for other in parts[first + 1 :]:
            if one + other == value:
                return "parts", f"{one} and {other}, the totals by tax rate, add up to {value}"
    return None


def _tipped(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    paid = {*sums.positive("total"), *sums.positive("card"), *sums.positive("cash"), *sums.positive("amount")}
    for kind, words in (("tip", "tip"), ("service", "surcharge")):
        for tip in sums.positive(kind):
            base = value - tip
            if base > 0 and base in {*sums.positive("total"), *sums.positive("amount")} and value in paid:
                return "tip", f"{base} + {tip} {words} = {value}"
    return None


def _metered(value: Decimal, sums: Amounts) -> tuple[str, str] | None:
    said = next((each.said for each in sums.metered if each.is_of(value)), None)
    return None if said is None else ("metered", f"{said} is {value}")


_CHECKS = (
    _paid_minus_change,
    _subtotal_and_more,
    _tendered,
    _split,
    _items,
    tax_table_proof,
    _parts,
    _tipped,
    _metered,
)
