"""Expenses: what was posted."""

from flows.ledger.expenses.posting import post, reassign, revision_of, void
from flows.ledger.expenses.queries import all_expenses, expense_of_content, find_expenses
from flows.ledger.expenses.same_purchase import find_same_purchase

__all__ = [
    "all_expenses",
    "expense_of_content",
    "find_expenses",
    "find_same_purchase",
    "post",
    "reassign",
    "revision_of",
    "void",
]
