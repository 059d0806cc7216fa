"""Receipts and Prefect's flow runs: submitting, resuming what stopped, telling Prefect's events."""
