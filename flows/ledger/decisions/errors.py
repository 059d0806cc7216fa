"""Why a decision was refused; nothing is changed then."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from flows.domain.errors import ReceiptflowError


class ChangedMeanwhileError(ReceiptflowError):
    """Somebody else changed it after the person had looked at it. `changes` says what, in words."""

    def __init__(self, reference: object, changes: Sequence[str]) -> None:
        self.reference, self.changes = reference, tuple(changes)
        what = "; ".join(changes) or "it was read again"
        super().__init__(f"{reference} was changed meanwhile ({what}); look at it again and decide then")


class SamePurchaseError(ReceiptflowError):
    """It seems to be the same purchase as another receipt, and the person did not say what of it."""

    def __init__(self, receipt_id: UUID, other_id: UUID) -> None:
        self.receipt_id, self.other_id = receipt_id, other_id
        super().__init__(
            f"receipt {receipt_id} seems to be the same purchase as receipt {other_id}; "
            "keep both, or dismiss it as a duplicate"
        )


class ExpenseNotFoundError(ReceiptflowError):
    """No expense has this public id (or it belongs to somebody else)."""

    def __init__(self, public_id: str) -> None:
        self.public_id = public_id
        super().__init__(f"no expense {public_id[:60]}; `receiptflow expenses` lists what there is")


class NothingToUndoError(ReceiptflowError):
    """Nobody has decided anything on the receipt that could be taken back."""

    def __init__(self, receipt_id: UUID) -> None:
        self.receipt_id = receipt_id
        super().__init__(f"nothing was decided on receipt {receipt_id} that could be taken back")


class UnfitReceiptError(ReceiptflowError):
    """Another receipt that a decision names cannot be meant. `field` is where it was named."""

    def __init__(self, field: str, problem: str) -> None:
        self.field = field
        super().__init__(f"{field}: {problem}")
