"""The cross-checks of a receipt's fields, held or failed, in words that a person understands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from flows.domain.fields import Check
from flows.reading.parser.proofs import Amounts
from flows.reading.parser.purchase_date import DateChoice
from flows.reading.parser.taxes import TaxRow
from flows.reading.parser.totals import Candidate, Sums

_TAX_TOLERANCE = Decimal("0.02")


def checks_of(
    total: Candidate | None, sums: Sums, taxes: Sequence[TaxRow], date: DateChoice | None
) -> tuple[Check, ...]:
    """Return every check that could be made, and None for those of the total that lacked a part."""
    found: list[Check] = []
    if total is not None:
        found += [Check(name=name, held=True, detail=detail) for name, detail in total.checks.items()]
        found += failed_checks(total.value, total.checks, sums, rounding_explained=_is_rounding_explained(total, sums))
        if len(total.places) > 1:
            found.append(
                Check(name="total_repeated", held=True, detail=f"{total.value} is printed {len(total.places)} times")
            )
    found += [rate_check(row.rate, row.net, row.amount) for row in taxes if row.rate and row.amount and not row.summed]
    if date is not None and date.times_printed > 1:
        found.append(Check(name="date_repeated", held=True, detail=f"{date.day} is printed {date.times_printed} times"))
    return tuple(found)


def failed_checks(value: Decimal, proofs: Mapping[str, str], sums: Amounts, *, rounding_explained: bool) -> list[Check]:
    """Return the checks that do not come out at the total `value`, or could not be made for want of a part.

    Args:
        proofs: The checks that do come out at it.
        rounding_explained: Whether a printed rounding leads to it.
    """
    failed: list[Check] = []
    if not {"items", "amounts_above"} & set(proofs):
        detail = (
            "no priced items were found"
            if sums.items is None
            else f"the items found add up to {sums.items}, not to {value}"
        )
        failed.append(Check(name="items", held=None if sums.items is None else False, detail=detail))
    if not {"cash_change", "cash_change_rounded"} & set(proofs):
        given, change = sums.positive("cash"), sums.positive("change")
        if given and change and value not in given:
            failed.append(
                Check(name="cash_change", held=False, detail=f"{given[0]} paid − {change[0]} change is not {value}")
            )
    if not {"tax_table", "tax_row"} & set(proofs) and sums.table:
        failed.append(
            Check(name="tax_table", held=False, detail=f"the tax table adds up to {sums.table}, not to {value}")
        )
    roundings = sums.positive("rounding")
    if roundings and not rounding_explained:
        failed.append(
            Check(
                name="rounding",
                held=False,
                detail=f"a rounding of {roundings[0]} is printed, but no total that it leads to",
            )
        )
    subtotals = [subtotal for subtotal in sums.positive("subtotal") if subtotal != value]
    if "subtotal_tax" not in proofs and subtotals and value not in sums.positive("subtotal"):
        failed.append(
            Check(
                name="subtotal_tax",
                held=False,
                detail=f"nothing printed leads from the subtotal {subtotals[0]} to {value}",
            )
        )
    return failed


def _is_rounding_explained(total: Candidate, sums: Sums) -> bool:
    """Tell whether the printed rounding led to the total, or was made behind it, when cash was paid (Canada)."""
    if (
        not sums.positive("rounding")
        or {"rounding", "cash_change"} & set(total.checks)
        or "rounding" in total.checks.get("subtotal_tax", "")
    ):
        return True
    named = [money.line for money in sums.by_kind.get("total", [])]
    if named and all(money.line < min(named) for money in sums.by_kind["rounding"]):
        return True  # it stands among the bought things, above every total
    paid = min((money.line for money in sums.by_kind.get("cash", [])), default=None)
    return (
        paid is not None
        and "cash_change_rounded" in total.checks
        and all(money.line > paid for money in sums.by_kind["rounding"])
    )


def rate_check(rate: Decimal, net: Decimal, amount: Decimal) -> Check:
    """Return whether a row of the tax table fits its own rate."""
    held = abs(net * rate / 100 - amount) <= _TAX_TOLERANCE
    return Check(name="tax_rate", held=held, detail=f"{rate} % of {net} is {'' if held else 'not '}{amount}")
