"""The options of `python -m deployments.warm_worker`; nothing of Prefect is imported, so that a master can wait."""

from __future__ import annotations

import argparse
import hashlib
import os
import socket
from pathlib import Path

_DESCRIPTION = (
    "Run a warm worker: a master that has the modules imported, and the worker forked from it, replaced when it dies."
    " A second one that is started for the same pool on this host stands by and takes over."
)


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options, with the lock's default filled in."""
    parser = argparse.ArgumentParser(prog="python -m deployments.warm_worker", description=_DESCRIPTION)
    parser.add_argument("--pool", required=True, help="work pool to take runs from; made if there is none")
    parser.add_argument("--name", default=socket.gethostname(), help="the worker's name (default: this host's)")
    parser.add_argument("--limit", type=int, help="runs at once (default: the pool's `processes`, else one per CPU)")
    parser.add_argument(
        "--worker", default="deployments.warm_worker.worker:WarmWorker", help="module:class, for a subclass"
    )
    parser.add_argument("--lock", type=Path, help="file that one master at a time holds (default: one per pool)")
    parser.add_argument("--alive", type=Path, help="file to touch every second as a sign of life")
    parser.add_argument(
        "--spare",
        default="",
        help="name of a fork of the master that takes over when it is killed, once it gets SIGUSR1 (default: none)",
    )
    parser.add_argument("--after", type=Path, help="file to wait for, all imported, before the worker starts")
    parser.add_argument("modules", nargs="*", help="modules of the flows, to import now and not in a run")
    options = parser.parse_args(arguments)
    options.lock = options.lock or _default_lock(options.pool)
    options.lock.parent.mkdir(parents=True, exist_ok=True)
    return options


def _default_lock(pool: str) -> Path:
    home = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    server = os.environ.get("PREFECT_API_URL", "")
    digest = hashlib.sha256(f"{server}\n{pool}".encode()).hexdigest()[:16]
    return home / "warm-worker" / f"{digest}.master"
