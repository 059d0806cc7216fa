"""The European Central Bank's reference rates: the history that comes with the installation, and what is newer."""

from flows.exchange_rates.history import HistoryUnavailableError, Rate, fetch_history, kept_history, parse_history

__all__ = ["HistoryUnavailableError", "Rate", "fetch_history", "kept_history", "parse_history"]
