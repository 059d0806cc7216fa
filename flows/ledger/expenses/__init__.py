"""Expenses: what was posted."""

from flows.ledger.expenses.posting import post, reassign, revision_of, void
from flows.ledger.expenses.queries import all_expenses, expense_of_content, expenses_of_content, find_expenses
from flows.ledger.expenses.same_purchase import find_same_purchase, keep_both
from flows.ledger.expenses.values import ExpenseValues, of_a_part, values_of

__all__ = [
    "ExpenseValues",
    "all_expenses",
    "expense_of_content",
    "expenses_of_content",
    "find_expenses",
    "find_same_purchase",
    "keep_both",
    "of_a_part",
    "post",
    "reassign",
    "revision_of",
    "values_of",
    "void",
]
