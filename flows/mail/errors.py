"""Why a mail is not taken. The code is kept with the mail in the mailbox, the sentence is for its sender."""

from __future__ import annotations

from enum import StrEnum

from flows.domain.errors import ReceiptflowError, TransientError


class Refusal(StrEnum):
    """The causes; each is also the keyword that a refused mail gets in the mailbox, where the server keeps keywords."""

    SENDER_UNKNOWN = "sender-unknown"
    NOT_AUTHENTICATED = "not-authenticated"
    TOO_LARGE = "too-large"
    TOO_MANY = "too-many"
    TOO_DEEP = "too-deep"
    ENCRYPTED = "encrypted"
    NO_RECEIPT = "no-receipt"
    UNREADABLE = "unreadable"


class MailRefusedError(ReceiptflowError):
    """The mail is not taken, and would not be the next time either.

    Args:
        code: The cause.
        reason: For the sender, with what to do.
    """

    def __init__(self, code: Refusal, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


class MailServerUnavailableError(TransientError):
    """The mail server does not answer, or not as it should."""
