"""The warm worker: a Prefect worker type whose flow runs execute in warm processes and resume when these die.

Knows nothing of receipts. `WarmWorker` is loaded when it is first asked for, so that `start_prefork_master` can wait
without having imported Prefect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from deployments.warm_worker.worker import WarmWorker

__all__ = ["WarmWorker"]


def __getattr__(name: str) -> Any:
    """Load the public names lazily (PEP 562)."""
    if name != "WarmWorker":
        raise AttributeError(name)
    from deployments.warm_worker.worker import WarmWorker  # noqa: PLC0415 - Prefect takes seconds to import

    return WarmWorker
