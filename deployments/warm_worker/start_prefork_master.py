"""Start a prefork master, but let one that has just taken over do its first work before this one imports for seconds.

Run as `python -m deployments.warm_worker …`, or by this module's name, with the options of `options`.
Nothing of Prefect is imported while it waits: the imports would take the cores that the runs cut off are resumed on.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import time
from pathlib import Path

from deployments.warm_worker.gc_tuning import raise_thresholds
from deployments.warm_worker.options import parse
from deployments.warm_worker.settings import PROCESS_SETTINGS

_FIRST_WORK_SECONDS = 5.0
_CHECK_SECONDS = 0.2
_FREE_CHECKS = 2  # at one check only: a prefork master that stands by is about to take the lock


def main() -> None:
    """Wait while another one works, at most for a few seconds; then become a master."""
    options = parse()
    for variable, value in PROCESS_SETTINGS.items():
        os.environ.setdefault(variable, value)
    wait_for_new_master(options.lock)
    raise_thresholds()  # what is imported stays
    importlib.import_module("deployments.warm_worker.prefork_master").main(options)


def wait_for_new_master(lock: Path) -> None:
    """Return once nobody holds the lock, or after the seconds that a worker needs to resume what was cut off."""
    end, free = time.monotonic() + _FIRST_WORK_SECONDS, 0
    while time.monotonic() < end and free < _FREE_CHECKS:
        free = 0 if _is_held(lock) else free + 1
        time.sleep(_CHECK_SECONDS)


def _is_held(lock: Path) -> bool:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


if __name__ == "__main__":
    main()
