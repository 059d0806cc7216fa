"""The wording of notifications. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

_WORDING = {
    "expense.ready": ("Expense ready", "was posted as an expense"),
    "expense.updated": ("Expense changed", "was posted with other values"),
    "expense.voided": ("Expense voided", "is no expense any more"),
    "receipt.needs_review": ("Receipt needs your eye", "was not posted"),
    "receipt.quarantined": ("Receipt needs your eye", "was not posted"),
}
_TO_DO = {
    "receipt.needs_review": "Correct and book it, or dismiss it",
    "receipt.quarantined": "Send a better picture, or have it read again once the cause is gone",
}
_NAMED = ("merchant", "purchase_date", "total", "currency")


@dataclass(frozen=True)
class Message:
    """A notification as a person reads it."""

    subject: str
    body: str


def message_for(payload: Mapping[str, Any], *, delivery_id: UUID) -> Message:
    """The message of a notification.

    Args:
        payload: as the outbox keeps it: kind, owner, key, the expense's id, revision and values, and reasons;
            with the `url` of the page to open where it is known.
        delivery_id: the same on every repeat, so that a receiver can drop one that it has seen.
    """
    subject, outcome = _WORDING[payload["kind"]]
    of_expense = payload["kind"].startswith("expense.")
    values = " · ".join(str(payload[name]) for name in _NAMED if payload.get(name))
    reasons = "; ".join(payload.get("reasons") or ())
    detail = ": ".join(part for part in (values if of_expense else "", reasons) if part)
    expense = payload.get("expense_id")
    to_do = _to_do(payload)
    named = f"\n\nExpense {expense}, revision {payload['revision']}" if expense else ""
    body = f"Receipt {payload['key']} of {payload['owner']} {outcome}: {detail}{to_do}{named}\n\nDelivery {delivery_id}"
    return Message(f"{subject}: {payload['key']}", body)


def _to_do(payload: Mapping[str, Any]) -> str:
    """What the person is to do, and where."""
    words, url = _TO_DO.get(payload["kind"]), payload.get("url")
    if url:
        return f"\n\n{words or 'Its page'}: {url}"
    return f"\n\n{words}." if words else ""
