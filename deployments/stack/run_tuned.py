"""`python -m deployments.stack.run_tuned [OPTION…] prefect ARGUMENT…`: `python -m prefect`, but as a server.

Its garbage collector looks less often, its background tasks too, it asks its database less, and its UI is kept to this
server and explains its login. With `--block-types FILE` `prefect_blocks` decides when block types are registered, with
`--await-database` it need not be started after its database.
"""

from __future__ import annotations

import argparse
import importlib
import runpy
import sys
from pathlib import Path

from deployments.stack.prefect_blocks import register_once
from deployments.warm_worker.gc_tuning import raise_thresholds


def main() -> None:
    """Set what has no setting, adapt the UI, then be the module."""
    raise_thresholds()
    parser = argparse.ArgumentParser(prog="python -m deployments.stack.run_tuned")
    parser.add_argument("--block-types", type=Path, metavar="FILE")
    parser.add_argument("--await-database", action="store_true")
    parser.add_argument("module")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if options.block_types is not None:
        register_once(options.block_types)
    importlib.import_module("deployments.stack.prefect_ui").adapt_ui()  # imports Prefect
    importlib.import_module("deployments.stack.prefect_docket").look_once_a_second()
    importlib.import_module("deployments.stack.prefect_queries").ask_less()
    if options.await_database:
        importlib.import_module("deployments.stack.prefect_database").await_database()
    sys.argv = [options.module, *options.arguments]
    runpy.run_module(options.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
