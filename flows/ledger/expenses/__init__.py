"""Expenses: what was posted."""

from flows.ledger.expenses.posting import post, reassign, revision_of, void
from flows.ledger.expenses.queries import all_expenses, expense_of_content, find_expenses

__all__ = ["all_expenses", "expense_of_content", "find_expenses", "post", "reassign", "revision_of", "void"]
