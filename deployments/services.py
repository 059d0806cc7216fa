"""The stack's own services beside its core: the warm worker. How each is started and when it counts as ready."""

from __future__ import annotations

import sys

from deployments.provision import POOL
from deployments.settings import StackSettings
from deployments.stack import Service


def worker_service(_settings: StackSettings) -> Service:
    """The warm worker of this machine. Runs below normal priority, so that servers answer while OCR computes."""
    command = (
        sys.executable,
        "-m",
        "prefect",
        "worker",
        "start",
        "--pool",
        POOL,
        "--type",
        "warm",
        "--name",
        "embedded",
    )
    return Service(
        name="worker",
        command=command,
        needs=("postgres", "seaweedfs", "prefect"),
        stop_timeout=30.0,
        niceness=5,
    )
