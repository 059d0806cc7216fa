"""The wording of notifications. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

_SUBJECTS = {
    "expense_ready": "Expense ready",
    "needs_review": "Receipt needs your eye",
    "quarantined": "Receipt needs your eye",
}


@dataclass(frozen=True)
class Message:
    """A notification as a person reads it."""

    subject: str
    body: str


def message_for(kind: str, *, owner: str, key: str, detail: str, delivery_id: UUID) -> Message:
    """The message of a notification.

    Args:
        kind: expense_ready, needs_review or quarantined.
        owner: whose receipt it is.
        key: the object's key in the inbox.
        detail: what was read, or the reason why it needs a look.
        delivery_id: the same on every repeat, so that a receiver can drop one that it has seen.
    """
    verb = "was posted as an expense" if kind == "expense_ready" else "was not posted"
    body = f"Receipt {key} of {owner} {verb}: {detail}\n\nDelivery {delivery_id}"
    return Message(f"{_SUBJECTS[kind]}: {key}", body)
