"""What does not fit: the questions that reconciliation asks."""

from flows.ledger.audit.findings import (
    abandoned_contents,
    broken_duplicates,
    broken_expenses,
    count_expenses,
    expensed_without_expense,
    never_submitted,
    results_are_owned,
    results_are_unneeded,
    stuck_notifications,
    walk_contents,
)

__all__ = [
    "abandoned_contents",
    "broken_duplicates",
    "broken_expenses",
    "count_expenses",
    "expensed_without_expense",
    "never_submitted",
    "results_are_owned",
    "results_are_unneeded",
    "stuck_notifications",
    "walk_contents",
]
