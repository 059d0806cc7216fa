"""Removing history whose retention is over, from Prefect, the ledger and both buckets."""

from flows.pruning.prune import Pruned, prune

__all__ = ["Pruned", "prune"]
