"""Handing receipts in, and what became of the last ones."""
