"""What the warm worker itself can fail at, beside Prefect's and the network's own errors."""

from __future__ import annotations


class WarmWorkerError(Exception):
    """Base of the warm worker's errors; never raised itself. The message says what to do."""


class ConfigurationError(WarmWorkerError):
    """Something the operator has to set or change: a flow's module that starts threads, too large an environment."""
