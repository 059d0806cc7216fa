"""Receipts and Prefect's flow runs: submitting, resuming what stopped, emitting Prefect events."""
