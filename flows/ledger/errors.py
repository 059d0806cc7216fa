"""What can go wrong at the ledger, one class per cause."""

from __future__ import annotations

from uuid import UUID

from flows.domain.errors import ReceiptflowError, TransientError


class LedgerUnavailableError(TransientError):
    """The database is away, overloaded, out of space, or another transaction was in the way; repeat later."""


# What a fenced attempt finds where its receipt was.
DELETED = "deleted"


class FencedError(ReceiptflowError):
    """The attempt was given up in favour of another; whatever it still wants to write is refused."""

    def __init__(self, receipt_id: UUID, attempt: int, found: str) -> None:
        self.receipt_id, self.attempt, self.found = receipt_id, attempt, found
        super().__init__(
            f"attempt {attempt} at receipt {receipt_id} may write no more: the receipt is {found}; end this process"
        )


class ReceiptNotFoundError(ReceiptflowError):
    """No receipt has this id, id prefix or object key (or it belongs to somebody else)."""

    def __init__(self, reference: object) -> None:
        self.reference = reference
        super().__init__(f"no receipt {reference}; `receiptflow receipts` lists what there is")


class AmbiguousReferenceError(ReceiptflowError):
    """An id prefix or object key fits several receipts."""

    def __init__(self, reference: str, candidates: tuple[UUID, ...]) -> None:
        self.reference, self.candidates = reference, candidates
        listed = ", ".join(str(candidate) for candidate in candidates)
        super().__init__(f"{reference!r} fits several receipts ({listed}); give the whole id")


class WrongStateError(ReceiptflowError):
    """The receipt is in a state from which this cannot be done."""

    def __init__(self, receipt_id: UUID, state: str, cure: str) -> None:
        self.receipt_id, self.state = receipt_id, state
        super().__init__(f"receipt {receipt_id} is {state}; {cure}")


class InvalidReferenceError(ReceiptflowError):
    """A key, cursor or other name given from outside cannot be one."""
