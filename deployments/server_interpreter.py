"""`python -m deployments.server_interpreter MODULE ARGUMENT…`: run a module as `python -m` does, but as a server."""

from __future__ import annotations

import runpy
import sys

from deployments.garbage import look_less_often


def main() -> None:
    """Set the collector, then be the module."""
    look_less_often()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
