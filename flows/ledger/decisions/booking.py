"""Booking a whole receipt by a person's decision: what booking, splitting and joining have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.ledger.corrections import InvalidValuesError, overlaid
from flows.ledger.decisions.case import Case, book, close, decided, how_it_stands, note_corrections, note_decision, tell
from flows.ledger.decisions.errors import SamePurchaseError
from flows.ledger.decisions.requests import Decided
from flows.ledger.expenses import ExpenseValues, find_same_purchase, keep_both, same_purchases
from flows.ledger.rules import learn
from flows.ledger.schema import DecisionKind, Settlement, State

# What a person sees and confirms by booking: a later reading does not change it any more.
_CONFIRMED = ("total", "purchase_date", "currency", "merchant")
_BOOKED: dict[str, Any] = {"settled": Settlement.BOOKED, "settled_code": None, "settled_reason": None}


def book_whole(
    case: Case,
    kind: DecisionKind,
    changes: dict[int, dict[str, Any]],
    take_back: Mapping[int, list[str]],
    *,
    keeps_both: bool,
    previous: dict[str, Any] | None = None,
    reason: str | None = None,
) -> Decided:
    """Let exactly these parts count, with changes and ended corrections of each, and confirm what the person sees.

    Args:
        case: The content.
        kind: The decision that it is.
        changes: Corrections by part, all parts named.
        take_back: Fields by part whose correction ends.
        keeps_both: It is another purchase than the one that it looks like.
        previous: How it stood before; by default as it is now.
        reason: For the history.

    Raises:
        InvalidValuesError: There is no total.
        SamePurchaseError: It seems to be posted already, and `keeps_both` does not say otherwise.
    """
    made = note_decision(case, kind, previous or how_it_stands(case), reason=reason)
    for part, changed in changes.items():
        note_corrections(case, made, part, changed, take_back=take_back.get(part, ()))
    standing, read = case.standing(), case.read()
    values = {part: overlaid(read, standing.values(part)) for part in changes}
    for part, whole in values.items():
        note_corrections(case, made, part, _confirmed(whole, standing.values(part)))
    _refuse_unfit(case, values, keeps_both=keeps_both)
    case.mark(**_BOOKED, settled_as=None)
    book(case, set(values))
    close(case, State.EXPENSED)
    learn(case.content, session=case.session)
    tell(case, made, kind)
    return decided(case)


def _confirmed(values: ExpenseValues, corrected: Mapping[str, Any]) -> dict[str, Any]:
    return {
        field: values.columns[field]
        for field in _CONFIRMED
        if field not in corrected and values.columns[field] is not None
    }


def _refuse_unfit(case: Case, values: dict[int, ExpenseValues], *, keeps_both: bool) -> None:
    """Refuse what has no total, and what seems to be posted already; days in order, as each takes a lock."""
    if any(one.columns["total"] is None for one in values.values()):
        raise InvalidValuesError({"total": "none was read; give it"})
    if case.content.settled is Settlement.BOOKED:
        return
    for one in sorted(values.values(), key=lambda one: str(one.columns["purchase_date"])):
        if keeps_both:
            keep_both(case.receipt, same_purchases(case.receipt, one, session=case.session), session=case.session)
        elif other := find_same_purchase(case.receipt, one, session=case.session):
            raise SamePurchaseError(case.receipt.id, other)
