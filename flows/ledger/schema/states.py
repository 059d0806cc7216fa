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
    DISMISSED = "dismissed"

    @property
    def is_final(self) -> bool:
        """Whether the receipt is processed and nothing works on it any more."""
        return self in FINAL_STATES


FINAL_STATES = frozenset({State.EXPENSED, State.REVIEW, State.DUPLICATE, State.QUARANTINED, State.DISMISSED})
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
    MAIL = "mail"
    FOLDER = "folder"


class Via(StrEnum):
    """By which way a person decided."""

    API = "api"
    CLI = "cli"
    PAGE = "page"
    PREFECT = "prefect"


class Settlement(StrEnum):
    """What a person decided that a content is; no reading changes that."""

    BOOKED = "booked"
    DISMISSED = "dismissed"


class RuleKind(StrEnum):
    """What a rule chooses."""

    MERCHANT = "merchant"
    CATEGORY = "category"


class DecisionKind(StrEnum):
    """What a person did."""

    BOOK = "book"
    DISMISS = "dismiss"
    SPLIT = "split"
    JOIN = "join"
    CORRECT = "correct"
    VOID = "void"
    RESTORE = "restore"
    UNDO = "undo"


class DismissReason(StrEnum):
    """Why a receipt gives no expense: the reason codes of dismissed receipts that a person may give."""

    NOT_A_RECEIPT = "not_a_receipt"
    NOT_MINE = "not_mine"
    DUPLICATE_OF = "duplicate_of"


# The reason code of a receipt that is a further page of another one.
JOINED = "joined"


class NotificationKind(StrEnum):
    """What an owner is notified of."""

    EXPENSE_READY = "expense.ready"
    EXPENSE_UPDATED = "expense.updated"
    EXPENSE_VOIDED = "expense.voided"
    NEEDS_REVIEW = "receipt.needs_review"
    QUARANTINED = "receipt.quarantined"
    REVIEWED = "receipt.reviewed"


class DeliveryState(StrEnum):
    """What became of a notification: `failed` means given up; a failure that is retried stays `pending`."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
