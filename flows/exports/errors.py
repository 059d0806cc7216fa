"""Why something is not exported, one class per cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flows.domain.errors import ConfigurationError, ReceiptflowError, TransientError
from flows.ledger.exports import ExpenseRow

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Refusal:
    """One expense that a target would not take, and what to do about it."""

    public_id: str
    what: str
    reason: str

    @classmethod
    def of(cls, row: ExpenseRow, reason: str) -> Refusal:
        """The refusal of an expense."""
        known = (row.purchase_date, row.merchant, row.total, row.currency)
        return cls(row.public_id, ", ".join(str(one) for one in known if one is not None), reason)

    def __str__(self) -> str:
        """In one line."""
        return f"expense {self.public_id} ({self.what}): {self.reason}"


class ExpenseRefusedError(ReceiptflowError):
    """One expense cannot be booked; the message is the reason with its cure."""


class ExportRefusedError(ReceiptflowError):
    """Nothing was exported, since the target would not take some expenses."""

    def __init__(self, target: str, refusals: Sequence[Refusal], count: int) -> None:
        self.target, self.refusals, self.count = target, tuple(refusals), count
        lines = [str(one) for one in refusals[:_SHOWN]]
        if count > len(lines):
            lines.append(f"and {count - len(lines)} more")
        super().__init__(
            f"nothing was exported to {target}: {count} of the expenses would be refused there. Correct them, or leave "
            "them out for now (--leave-out, `leave_out`).\n  " + "\n  ".join(lines)
        )


class UnknownTargetError(ReceiptflowError):
    """There is no such target."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        self.name = name
        super().__init__(f"there is no export target {name!r}; there are {', '.join(known)}")


class WrongOptionError(ReceiptflowError):
    """The target does not have this option; the message says what it does instead."""


class BusyTargetError(TransientError):
    """Another export of the same owner to the same books is at it."""

    def __init__(self, target: str) -> None:
        super().__init__(f"another export to {target} is running; this one is not needed, or repeat it afterwards")


class BooksUnavailableError(TransientError):
    """The server with the books did not answer as needed; what was not told is told by the next export."""


class BooksRefusedError(ConfigurationError):
    """The server with the books refuses what only its owner can change: the message says what."""
