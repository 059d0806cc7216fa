"""The command line `receiptflow`."""

from deployments.cli.app import main

__all__ = ["main"]
