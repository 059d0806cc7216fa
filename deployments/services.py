"""The stack's own services beside its core: how each is started and when it counts as ready and as alive."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from deployments.provision import POOL
from deployments.receipt_worker import ALIVE_FILE, ReceiptWorker
from deployments.settings import StackSettings
from deployments.stack import Check, Service

# Two missed touches and some load; the supervisor adds its own patience before it kills.
_LONGEST_SILENCE_SECONDS = 6.0


def worker_service(settings: StackSettings) -> Service:
    """The worker of this machine. It runs below normal priority, so that servers answer while OCR computes."""
    alive = settings.root / "run" / "worker.alive"
    alive.parent.mkdir(exist_ok=True)
    command = (sys.executable, "-m", "prefect", "worker", "start", "--pool", POOL, "--type", ReceiptWorker.type)
    return Service(
        name="worker",
        command=(*command, "--name", "embedded"),
        env={ALIVE_FILE: str(alive)},
        needs=("postgres", "seaweedfs", "prefect"),
        # What the last worker left would make this one count as ready, and then as hung while it still starts.
        prepare=lambda: alive.unlink(missing_ok=True),
        ready_check=_recently_touched(alive),
        liveness_check=_recently_touched(alive),
        start_timeout=300.0,
        stop_timeout=45.0,
        niceness=5,
    )


def _recently_touched(path: Path) -> Check:
    def check() -> None:
        age = time.time() - path.stat().st_mtime
        if age > _LONGEST_SILENCE_SECONDS:
            raise TimeoutError(f"{path.name} was touched {age:.0f} s ago")

    return check
