"""The stack's own services beside its core: how each is started and when it counts as ready and as alive."""

from __future__ import annotations

import os
import socket
import sys
import time
from pathlib import Path

from deployments.provisioning.names import POOL
from deployments.stack import Check, Service
from deployments.stack.settings import StackSettings
from deployments.warm_worker.settings import PROCESS_SETTINGS

# Some missed touches and some load; the supervisor adds its own patience before it kills.
_LONGEST_SILENCE_SECONDS = 6.0
_WORKER = "deployments.receipt_worker:ReceiptWorker"
SPARE = "worker-spare"
_FLOWS = ("flows.receipt_to_expense", "flows.sweep_inbox", "flows.reconcile_ledger", "flows.deliver_webhooks")


def worker_service(settings: StackSettings, after: Path | None = None) -> Service:
    """The worker of this machine. It runs below normal priority, so that servers answer while OCR computes.

    Args:
        settings: The stack's.
        after: A file for which it waits with everything imported; else all that it works on is there already.
    """
    alive, lock = (settings.root / "run" / name for name in ("worker.alive", "worker.lock"))
    options = {
        "--pool": POOL,
        "--worker": _WORKER,
        "--name": worker_name(),
        "--lock": lock,
        "--alive": alive,
        "--spare": SPARE,
        **({"--after": after} if after else {}),
    }
    words = [str(word) for option in options.items() for word in option]
    return Service(
        name="worker",
        command=(sys.executable, "-m", "deployments.warm_worker.start_prefork_master", *words, *_FLOWS),
        env={variable: os.environ.get(variable, value) for variable, value in PROCESS_SETTINGS.items()},
        needs=() if after else ("postgres", "seaweedfs", "prefect"),
        prepare=lambda: _remove_sign_of_life(alive),
        ready_check=_recently_touched(alive),
        liveness_check=_recently_touched(alive),
        start_timeout=300.0,
        stop_timeout=45.0,
        niceness=5,
        successor=SPARE,
    )


def _remove_sign_of_life(path: Path) -> None:
    """What the last one left would make this one count as ready, and then as hung while it still starts."""
    path.parent.mkdir(exist_ok=True)
    path.unlink(missing_ok=True)


def worker_name() -> str:
    """By host: workers of one name on two hosts would keep each other's heartbeats alive, whichever of them died."""
    return f"embedded-{socket.gethostname()}"


def _recently_touched(path: Path) -> Check:
    def check() -> None:
        age = time.time() - path.stat().st_mtime
        if age > _LONGEST_SILENCE_SECONDS:
            raise TimeoutError(f"{path.name} was touched {age:.0f} s ago")

    return check
