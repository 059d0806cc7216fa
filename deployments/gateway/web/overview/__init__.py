"""The first page: what waits, what failed, what was spent."""
