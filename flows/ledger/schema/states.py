"""The states of a receipt and the small vocabularies that stand beside them."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The state of a received object: exactly one at any time."""

    WAITING = "waiting"
    RUNNING = "running"
    EXPENSED = "expensed"
    REVIEW = "review"
    DUPLICATE = "duplicate"
    QUARANTINED = "quarantined"

    @property
    def is_final(self) -> bool:
        """Whether the receipt is processed and nothing works on it any more."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({State.EXPENSED, State.REVIEW, State.DUPLICATE, State.QUARANTINED})
# The reason codes of receipts in quarantine that could not be read because their object is gone: the receipt says
# nothing about its content then, so it owns none, and an object that is put back is read.
OBJECT_GONE_CODES = frozenset({"superseded", "ObjectGone", "ObjectReplaced"})


# A notification's channel is "owner", or this with a webhook's id.
WEBHOOK_PREFIX = "webhook:"


class Source(StrEnum):
    """How an object came in."""

    SWEEP = "sweep"
    API = "api"
    EVENT = "event"
    UPLOAD = "upload"
    FLOW = "flow"
    CLI = "cli"


class NotificationKind(StrEnum):
    """What an owner is notified of."""

    EXPENSE_READY = "expense.ready"
    EXPENSE_UPDATED = "expense.updated"
    EXPENSE_VOIDED = "expense.voided"
    NEEDS_REVIEW = "receipt.needs_review"
    QUARANTINED = "receipt.quarantined"


class DeliveryState(StrEnum):
    """What became of a notification: `failed` means given up; a failure that is retried stays `pending`."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
