"""Prefect's server hands its periodic work to docket, whose worker looks four times a second for what has become due.

Nothing of it is due more often than every few seconds. With one look a second the idle server takes a sixth to a fourth
less CPU time (docs/decisions.md). Prefect has no setting for it, docket has: the parameter of its worker.
"""

from __future__ import annotations

import functools
from datetime import timedelta
from typing import Any

from docket.worker import Worker

LOOK = timedelta(seconds=1)


def look_once_a_second() -> None:
    """Change the default of all workers of this process; a value that a caller gives is kept."""
    make = Worker.__init__

    @functools.wraps(make)
    def with_default(self: Worker, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **{"scheduling_resolution": LOOK, **kwargs})

    Worker.__init__ = with_default  # type: ignore[method-assign]
