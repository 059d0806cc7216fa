"""`python -m deployments.stack.run_tuned prefect ARGUMENT…`: Prefect as `python -m prefect` runs it, but as a server.

Its garbage collector looks less often, and its UI is kept to this server.
"""

from __future__ import annotations

import runpy
import sys

from deployments.stack.prefect_ui import confine_ui
from deployments.warm_worker.gc_tuning import raise_thresholds


def main() -> None:
    """Set the collector, confine the UI, then be the module."""
    raise_thresholds()
    confine_ui()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
