"""Start a prefork master, but let one that has just taken over do its first work before this one imports for seconds.

Run as `python -m deployments.warm_worker.start_prefork_master …` by the supervisor, with the options of
`deployments.warm_worker.prefork_master`.
Nothing of Prefect is imported while it waits: the imports would take the cores that the runs cut off are resumed on.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import sys
import time
from pathlib import Path

_FIRST_WORK_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_FREE_LOOKS = 2  # at one look only: a prefork master that stands by is about to take the lock


def main() -> None:
    """Wait while another one works, at most for a few seconds; then become a master."""
    let_another_begin(Path(sys.argv[sys.argv.index("--lock") + 1]))
    importlib.import_module("deployments.warm_worker.prefork_master").main()


def let_another_begin(lock: Path) -> None:
    """Return once nobody holds the lock, or after the seconds that a worker needs to take up what was cut off."""
    end, free = time.monotonic() + _FIRST_WORK_SECONDS, 0
    while time.monotonic() < end and free < _FREE_LOOKS:
        free = 0 if _is_held(lock) else free + 1
        time.sleep(_LOOK_SECONDS)


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
