"""The total among all amounts: every amount is a candidate, and the one on which the receipt agrees best wins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from flows.reading.parser.currency_marks import SHARED
from flows.reading.parser.lines import Line, Money
from flows.reading.parser.metered import Metered
from flows.reading.parser.printed_sums import proofs_by_place
from flows.reading.parser.proofs import MAX_ROUNDING, Amounts, proofs_of, tax_table_proof

MAX_CANDIDATES = 400
# Weights of evidence, tuned on the tuning half of the shared receipts (benchmarks/accuracy.py).
_LABEL_WEIGHT = 1.3
_CHECK_WEIGHTS = {
    "cash_change": 2.0,
    "cash_change_rounded": 0.5,
    "subtotal_tax": 1.4,
    "rounding": 1.5,
    "tendered": 1.0,
    "items": 1.6,
    "tax_table": 1.5,
    "parts": 1.2,
    "tip": 1.5,
    "split_payment": 2.0,
    "amounts_above": 1.4,
    "deduction": 1.5,
    "metered": 1.6,
    "paid_difference": 1.8,
    "tax_row": 1.2,
}
# A check by place alone, and the ones that say the same by labels.
_SAID_BY = {
    "amounts_above": {"items", "subtotal_tax"},
    "paid_difference": {"cash_change", "cash_change_rounded"},
    "tax_row": {"tax_table"},
}
_MENDED_PENALTY = 0.5
_ROUNDED_AWAY = 1.5  # taken from a total that is printed again, rounded, below
_FOREIGN_PENALTY = 2.5
_NET_PENALTY = 2.5
_NET_STRENGTH = 1.2  # of a label that says net or gross only
_PLAIN_TOTAL = 2.0  # strength of a label that says total
_DEDUCTIONS = frozenset({"", "discount", "rounding", "service", "deposit"})
_ADDITIONS = frozenset({"rounding", "service", "deposit"})  # cash that is paid out with the goods is none
_PAID = frozenset({"cash_change", "tendered", "split_payment", "paid_difference"})
_PROOFS_BEFORE_TIP = frozenset({"items", "tax_table", "subtotal_tax"})
_SIDE_KINDS = {
    "conversion",
    "suggestion",
    "subtotal",
    "tax",
    "change",
    "discount",
    "rounding",
    "points",
    "balance",
    "deposit",
    "tip",
    "partial",
    "table",
    "count",
}
# The kinds of labels whose amounts the checks add up.
CHECKED_KINDS = frozenset(
    {
        *("total", "subtotal", "tax", "service", "tip", "discount", "deposit", "rounding", "partial", "amount"),
        *("cash", "card", "voucher", "change"),
    }
)

_HARDLY_EVER = {"change", "cash", "discount", "rounding", "points", "voucher"}


@dataclass(frozen=True)
class Sums(Amounts):
    """The same, with the places of the labelled amounts."""

    by_kind: Mapping[str, Sequence[Money]] = field(default_factory=dict)


@dataclass
class Candidate:
    """One value that may be the total, with all its places, its score, and the cross-checks that name it."""

    value: Decimal
    places: list[Money]
    score: float = 0.0
    checks: dict[str, str] = field(default_factory=dict)
    rounded_from: Decimal | None = None
    mended: bool = False  # not printed like this: one digit differs, and the arithmetic says which

    @property
    def best(self) -> Money:
        return max(self.places, key=lambda money: (money.label.kind == "total", money.label.strength, money.line))

    @property
    def strength(self) -> float:
        return max((money.label.strength for money in self.places if money.label.kind == "total"), default=0.0)


def collect(lines: Sequence[Line]) -> list[Money]:
    """Return all money of all lines in order."""
    return [money for line in lines for money in line.money][:MAX_CANDIDATES]


def sums_of(
    money: Iterable[Money],
    *,
    items: Decimal | None = None,
    table: Decimal | None = None,
    metered: Sequence[Metered] = (),
) -> Sums:
    """Sort the amounts by what their labels call them."""
    by_kind: dict[str, list[Money]] = defaultdict(list)
    for each in money:
        by_kind[each.label.kind].append(each)
    named = {kind: [each.amount.value for each in found] for kind, found in by_kind.items()}
    return Sums(named, items, table, metered, dict(by_kind))


def rank_totals(money: Sequence[Money], sums: Sums, home: str | None = None) -> list[Candidate]:
    """Return the candidates for the total, best first.

    Args:
        home: the currency of the receipt's country, where that is identified: an amount with another mark is most
            likely a conversion.
    """
    places: dict[Decimal, list[Money]] = defaultdict(list)
    for each in money:
        places[abs(each.amount.value)].append(each)
    candidates = [Candidate(value, found) for value, found in places.items() if value > 0 or _named_total(found)]
    candidates += _recomputed(candidates, sums)
    largest = max((candidate.value for candidate in candidates), default=Decimal(0))
    placed = proofs_by_place(money)
    for candidate in candidates:
        candidate.checks = proofs_of(candidate.value, sums)
        candidate.checks |= {
            name: detail
            for name, detail in placed.get(candidate.value, {}).items()
            if not _SAID_BY[name] & set(candidate.checks)
        }
    _weigh_rounding(candidates, sums)
    _weigh_tips(candidates, sums)
    _weigh_deductions(candidates, money)
    native = any(each.strength or _is_paid(each) for each in candidates if not _only_foreign(each, home))
    for candidate in candidates:
        candidate.score += _label_score(candidate) + sum(_CHECK_WEIGHTS[name] for name in candidate.checks)
        candidate.score += 0.4 if candidate.value == largest else 0.0
        candidate.score -= _MENDED_PENALTY if candidate.mended else 0.0
        candidate.score += min(len(candidate.places) - 1, 3) * 0.35
        candidate.score -= _NET_PENALTY if _only_net(candidate, candidates, sums) else 0.0
        candidate.score -= _FOREIGN_PENALTY if _only_foreign(candidate, home) and native else 0.0
    return sorted(candidates, key=lambda candidate: (-candidate.score, -candidate.best.line, candidate.value))


def _recomputed(candidates: Sequence[Candidate], sums: Sums) -> list[Candidate]:
    """Return totals with one digit mended where the tax table, or cash and change with the items, demand it."""
    printed = {candidate.value for candidate in candidates}
    paid = {cash - change for cash in sums.positive("cash") for change in sums.positive("change")}
    demanded = ({sums.table} if sums.table else set()) | ({sums.items} if sums.items in paid else set())
    return [
        Candidate(value, candidate.places, mended=True)
        for candidate in candidates
        for value in demanded
        if candidate.strength >= 2
        and value not in printed
        and _one_digit_apart(candidate.value, value)
        and tax_table_proof(candidate.value, sums) is None
    ]


def _only_net(candidate: Candidate, candidates: Sequence[Candidate], sums: Sums) -> bool:
    """Tell whether an amount named as net leads, with a printed tax, to another printed amount."""
    if not 0 < candidate.strength <= _NET_STRENGTH:
        return False
    printed = {other.value for other in candidates}
    return any(candidate.value + tax in printed for tax in sums.positive("tax"))


def _is_paid(candidate: Candidate) -> bool:
    return any(money.label.kind in {"cash", "card", "amount"} for money in candidate.places)


def _only_foreign(candidate: Candidate, home: str | None) -> bool:
    marks = {money.mark for money in candidate.places}
    return home is not None and None not in marks and home not in marks and not marks & set(SHARED)


def _one_digit_apart(one: Decimal, other: Decimal) -> bool:
    first, second = f"{one:.2f}", f"{other:.2f}"
    return len(first) == len(second) and sum(a != b for a, b in zip(first, second, strict=True)) == 1


def _named_total(found: list[Money]) -> bool:
    return any(money.label.kind == "total" for money in found)


def _label_score(candidate: Candidate) -> float:
    kinds = {money.label.kind for money in candidate.places}
    strength = candidate.strength
    score = strength * _LABEL_WEIGHT
    score += 1.0 if "card" in kinds else 0.5 if "amount" in kinds else 0.0
    if not strength:
        score -= 1.0 if kinds & _SIDE_KINDS else 0.0
        score -= 2.0 if kinds <= _HARDLY_EVER else 0.0
    if candidate.value == 0:
        score -= 3
    if all(money.amount.value < 0 for money in candidate.places):
        score -= 0.7
    return score


def _weigh_rounding(candidates: Sequence[Candidate], sums: Sums) -> None:
    """Let a total that another one is rounded to take over what speaks for that one."""
    by_value = {candidate.value: candidate for candidate in candidates}
    for candidate in candidates:
        base_value = _rounded_from(candidate, sums)
        base = by_value.get(base_value) if base_value is not None else None
        if base is not None and base is not candidate:
            inherited = {
                name: text for name, text in base.checks.items() if name in {"items", "tax_table", "subtotal_tax"}
            }
            step = candidate.value - base.value
            candidate.checks = inherited | candidate.checks
            candidate.checks["rounding"] = f"{base.value} rounded by {step} = {candidate.value}"
            base.score -= _ROUNDED_AWAY


def _weigh_tips(candidates: Sequence[Candidate], sums: Sums) -> None:
    """Let what was paid with a tip take over what speaks for the total without it."""
    by_value = {candidate.value: candidate for candidate in candidates}
    for candidate in candidates:
        extras = [*sums.positive("tip"), *sums.positive("service")]
        bases = [by_value[candidate.value - extra] for extra in extras if candidate.value - extra in by_value]
        if "tip" in candidate.checks and bases:
            base = max(bases, key=lambda each: each.strength)
            candidate.checks = {
                name: text for name, text in base.checks.items() if name in _PROOFS_BEFORE_TIP
            } | candidate.checks
            candidate.score += max(base.strength - candidate.strength, 0.0) * _LABEL_WEIGHT
            base.score -= _ROUNDED_AWAY + (base.strength - candidate.strength) * _LABEL_WEIGHT / 2


def _weigh_deductions(candidates: Sequence[Candidate], money: Sequence[Money]) -> None:
    """Let what is left of a total, by the amounts that are printed below it, take over what speaks for it.

    What was paid before, by an advance or a voucher, is a part of the total; a discount or an insurance's share is not.
    """
    by_value = {candidate.value: candidate for candidate in candidates}
    for place in [each for each in money if each.label.kind == "total" and each.label.strength >= _PLAIN_TOTAL]:
        left, base, only_rounded = place.amount.value, by_value.get(place.amount.value), True
        for each in [other for other in money if other.line > place.line]:
            candidate = by_value.get(each.amount.value)
            is_left = not only_rounded and each.amount.value == left and left > 0
            if is_left and base is not None and candidate is not None and _is_final(each, candidate):
                candidate.checks = {
                    name: text for name, text in base.checks.items() if name in _PROOFS_BEFORE_TIP
                } | candidate.checks
                candidate.checks["deduction"] = f"{base.value} {left - base.value:+} = {left}"
                lacking = max(base.strength - candidate.strength, 0.0)
                candidate.score += lacking * _LABEL_WEIGHT
                base.score -= _ROUNDED_AWAY + base.strength * _LABEL_WEIGHT / 2
                break
            step = -abs(each.amount.value) if each.label.kind == "discount" else each.amount.value
            is_advance = each.label.kind == "deposit" and step < 0
            if not step or is_advance or each.label.kind not in (_ADDITIONS if step > 0 else _DEDUCTIONS):
                break
            left, only_rounded = left + step, only_rounded and each.label.kind == "rounding"


def _is_final(place: Money, candidate: Candidate) -> bool:
    return place.label.kind in {"total", "amount"} or not _PAID.isdisjoint(candidate.checks)


def _rounded_from(candidate: Candidate, sums: Sums) -> Decimal | None:
    """Return the total printed above this one that rounding leads from."""
    kinds = {"total", "cash"} if "cash_change" in candidate.checks else {"total"}  # `CASH TOTAL 16.25`
    line = min((money.line for money in candidate.places if money.label.kind in kinds), default=-1)
    steps = set(sums.positive("rounding"))
    for base in [money for kind in ("total", "subtotal") for money in sums.by_kind.get(kind, []) if money.line < line]:
        step = abs(candidate.value - base.amount.value)
        if step and (step in steps or (step <= MAX_ROUNDING and base.label.kind == "total")):
            return base.amount.value
    return None
