"""What a person can decide, and what the ledger answers."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from flows.ledger.schema import DismissReason, State
from flows.ledger.views import ExpenseView

MOST_PAGES = 50  # of one receipt


@dataclass(frozen=True, slots=True)
class Book:
    """It is an expense, with these values in place of what was read.

    `corrections` are outside values by field, `take_back` fields whose correction ends, `keep_both` that it is another
    purchase than the one that it looks like.
    """

    corrections: Mapping[str, object] = field(default_factory=dict)
    take_back: Sequence[str] = ()
    keep_both: bool = False


@dataclass(frozen=True, slots=True)
class Dismiss:
    """It is no expense; `duplicate_of` names the receipt that it repeats, for that reason."""

    reason: DismissReason
    duplicate_of: UUID | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """One picture of several receipts: one expense for each of `parts`, which are outside values by field."""

    parts: Sequence[Mapping[str, object]]
    keep_both: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """Further pictures of the same receipt: one expense, which is this receipt's.

    `pages` are the other receipts in the order of their pages. `corrections` are outside values by field, such as those
    that are read from all pages together.
    """

    pages: Sequence[UUID]
    corrections: Mapping[str, object] = field(default_factory=dict)
    keep_both: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """The last decision was wrong: everything as it was before it."""


Decision = Book | Dismiss | Split | Join | Undo


@dataclass(frozen=True, slots=True)
class Decided:
    """How the receipt stands now. `changed` is False where it stood so before; `updated_at` is what `seen` takes."""

    receipt_id: UUID
    key: str
    state: State
    expenses: tuple[ExpenseView, ...]
    updated_at: dt.datetime
    changed: bool
