"""`python -m deployments.stack.run_tuned MODULE ARGUMENT…`: run a module as `python -m` does, but as a server."""

from __future__ import annotations

import runpy
import sys

from deployments.warm_worker.gc_tuning import raise_thresholds


def main() -> None:
    """Set the collector, then be the module."""
    raise_thresholds()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
