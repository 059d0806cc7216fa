"""What was booked."""

from flows.ledger.expenses.booking import post, void
from flows.ledger.expenses.queries import all_expenses, expense_of_content, find_expenses

__all__ = ["all_expenses", "expense_of_content", "find_expenses", "post", "void"]
