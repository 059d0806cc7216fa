"""What reconciling finds: one value a discrepancy, and the counts of what was looked at. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from flows.storage import ObjectVersion


class Kind(StrEnum):
    """What is wrong. The values are stable: they are printed, counted and searched for."""

    UNKNOWN_OBJECT = "unknown object"
    OBJECT_GONE = "object gone before it was read"
    ORIGINAL_GONE = "original gone"
    NEVER_SUBMITTED = "never submitted"
    RUN_MISSING = "flow run missing"
    RUN_OVER = "flow run over, receipt not"
    PROCESS_GONE = "process gone"
    RUN_WITHOUT_RECEIPT = "flow run without receipt"
    TASK_LEFT_OPEN = "task run left open"
    EXPENSE_MISSING = "expense missing"
    EXPENSE_BROKEN = "expense does not fit its receipt"
    DUPLICATE_BROKEN = "duplicate of nothing"
    CONTENT_ABANDONED = "content of a receipt whose object is gone"
    RESULTS_ORPHANED = "results without content"
    NOTIFICATION_STUCK = "notification stuck"


@dataclass(frozen=True)
class Discrepancy:
    """One thing that is not as it must be, with what a repair needs to know of it."""

    kind: Kind
    subject: str
    words: str
    receipt_id: UUID | None = None
    run_id: UUID | None = None
    version: ObjectVersion | None = None


@dataclass
class Counts:
    """How much was looked at and what was found."""

    objects: int = 0
    receipts: Counter[str] = field(default_factory=Counter)
    expenses: int = 0
    contents: int = 0
    results: int = 0
    contents_without_results: int = 0
    replaced_objects: int = 0
    skipped: int = 0
    open_runs: int = 0
    found: Counter[Kind] = field(default_factory=Counter)
    repaired: int = 0

    @property
    def discrepancies(self) -> int:
        """How many there are that were not repaired."""
        return self.found.total() - self.repaired
