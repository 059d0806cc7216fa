"""Exchange rates: those that are kept, and what an expense is in the owner's own currency."""

from flows.ledger.rates.converting import convert_missing, home_columns
from flows.ledger.rates.store import keep_rates, newest_day

__all__ = [
    "convert_missing",
    "home_columns",
    "keep_rates",
    "newest_day",
]
