"""Expenses: the list with filters and sums, and one of them to correct, void and restore."""
