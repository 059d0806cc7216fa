"""Every way a receipt's work can fail, one class per cause, and whether the cause can pass by itself.

Three families decide what becomes of a receipt: `TransientError` is retried by the step's policy,
`UnreadableError` sends the receipt to quarantine, `UnsureError` sends it to review. Neither of the last two
is ever retried: the same bytes would fail the same way again.
"""

from __future__ import annotations


class ReceiptflowError(Exception):
    """Base of all errors of this project; never raised itself. The message says what to do."""


class TransientError(ReceiptflowError):
    """A cause outside the receipt that can pass by itself: storage, database, network, locks."""


class UnreadableError(ReceiptflowError):
    """The object is not a readable image or document; it goes to quarantine with this message as its reason."""


class UnsureError(ReceiptflowError):
    """The receipt was read but not well enough to be posted; it goes to review with this message as its reason."""


class ConfigurationError(ReceiptflowError):
    """Something the operator has to set or start is missing or contradictory."""
