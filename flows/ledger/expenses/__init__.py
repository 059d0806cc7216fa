"""Expenses: what was posted."""

from flows.ledger.expenses.posting import post, reassign, revision_of, void
from flows.ledger.expenses.queries import (
    all_expenses,
    days_of,
    expense_of_content,
    expenses_of_content,
    expenses_of_contents,
    find_expenses,
)
from flows.ledger.expenses.same_purchase import find_same_purchase, keep_both, same_purchases
from flows.ledger.expenses.search import Unsearchable, Wanted, index_fields, keep_missing_text, keep_text, unsearchable
from flows.ledger.expenses.sums import NO_CURRENCY, Sum, SumsBy, YearStart, sum_expenses
from flows.ledger.expenses.usual import Usual, usual_values
from flows.ledger.expenses.values import ExpenseValues, of_a_part, values_of

__all__ = [
    "NO_CURRENCY",
    "ExpenseValues",
    "Sum",
    "SumsBy",
    "Unsearchable",
    "Usual",
    "Wanted",
    "YearStart",
    "all_expenses",
    "days_of",
    "expense_of_content",
    "expenses_of_content",
    "expenses_of_contents",
    "find_expenses",
    "find_same_purchase",
    "index_fields",
    "keep_both",
    "keep_missing_text",
    "keep_text",
    "of_a_part",
    "post",
    "reassign",
    "revision_of",
    "same_purchases",
    "sum_expenses",
    "unsearchable",
    "usual_values",
    "values_of",
    "void",
]
