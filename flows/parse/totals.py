"""The total and what surrounds it: every amount is a candidate, and the one on which the receipt agrees best wins."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from flows.parse.lines import Line, Money

CENT = Decimal("0.01")
MAX_CANDIDATES = 400


@dataclass
class Candidate:
    """One value that may be the total, with all its places and the evidence for it in words."""

    value: Decimal
    places: list[Money]
    score: float = 0.0
    checks: list[str] = field(default_factory=list)

    @property
    def best(self) -> Money:
        return max(self.places, key=lambda money: (money.label.kind == "total", money.label.strength, money.line))


@dataclass(frozen=True)
class Sums:
    """The labelled amounts of a receipt by kind, in printed order."""

    by_kind: dict[str, list[Money]]

    def values(self, kind: str) -> list[Decimal]:
        return [money.amount.value for money in self.by_kind.get(kind, [])]


def collect(lines: Sequence[Line]) -> list[Money]:
    """Return all money of all lines in order."""
    return [money for line in lines for money in line.money][:MAX_CANDIDATES]


def sums_of(money: Iterable[Money]) -> Sums:
    by_kind: dict[str, list[Money]] = defaultdict(list)
    for each in money:
        by_kind[each.label.kind].append(each)
    return Sums(dict(by_kind))


def rank_totals(money: Sequence[Money], item_sums: Sequence[Decimal]) -> list[Candidate]:
    """Return the candidates for the total, best first."""
    sums = sums_of(money)
    places: dict[Decimal, list[Money]] = defaultdict(list)
    for each in money:
        places[abs(each.amount.value)].append(each)
    candidates = [Candidate(value, found) for value, found in places.items() if _may_be_total(value, found)]
    largest = max((candidate.value for candidate in candidates), default=Decimal(0))
    for candidate in candidates:
        _weigh_label(candidate)
        _weigh_arithmetic(candidate, sums, item_sums)
        candidate.score += 0.4 if candidate.value == largest else 0.0
        candidate.score += min(len(candidate.places) - 1, 3) * 0.35
    return sorted(candidates, key=lambda candidate: (-candidate.score, -candidate.best.line, candidate.value))


def _may_be_total(value: Decimal, found: list[Money]) -> bool:
    return value > 0 or any(money.label.kind == "total" for money in found)


def _weigh_label(candidate: Candidate) -> None:
    best = max((money.label.strength for money in candidate.places if money.label.kind == "total"), default=0.0)
    kinds = {money.label.kind for money in candidate.places}
    candidate.score += best * 1.3
    if "card" in kinds:
        candidate.score += 1.0
    if not best and kinds & {
        "subtotal",
        "tax",
        "change",
        "discount",
        "rounding",
        "points",
        "balance",
        "deposit",
        "tip",
    }:
        candidate.score -= 1.0
    if not best and kinds <= {"change", "cash", "discount", "rounding", "points"}:
        candidate.score -= 1.0
    if "amount" in kinds:
        candidate.score += 0.5
    if candidate.value == 0:
        candidate.score -= 3


def _weigh_arithmetic(candidate: Candidate, sums: Sums, item_sums: Sequence[Decimal]) -> None:
    value = candidate.value
    for cash in sums.values("cash"):
        for change in sums.values("change"):
            if change and cash - abs(change) == value:
                candidate.checks.append("cash_change")
    if any(subtotal != value and _bridges(subtotal, value, sums) for subtotal in sums.values("subtotal")):
        candidate.checks.append("subtotal")
    if any(
        total != value and total + rounding == value
        for total in sums.values("total") + sums.values("subtotal")
        for rounding in sums.values("rounding")
        if rounding
    ):
        candidate.checks.append("rounding")
    if value in sums.values("cash") or value in sums.values("card"):
        candidate.checks.append("tendered")
    if value in item_sums:
        candidate.checks.append("items")
    weights = {"cash_change": 2.0, "subtotal": 1.2, "rounding": 1.5, "tendered": 0.6, "items": 1.5}
    candidate.score += sum(weights[name] for name in dict.fromkeys(candidate.checks))


def _bridges(subtotal: Decimal, total: Decimal, sums: Sums) -> bool:
    """Tell whether tax, service, rounding and discount lead from a subtotal to a total."""
    extras = [abs(value) for kind in ("tax", "service", "tip") for value in sums.values(kind)][:8]
    reductions = [-abs(value) for value in sums.values("discount")][:4]
    roundings = [value for value in sums.values("rounding")][:2]
    reachable = {Decimal(0)}
    for step in extras + reductions + roundings + [-value for value in roundings]:
        reachable |= {base + step for base in list(reachable)[:600]}
    return (total - subtotal) in reachable
