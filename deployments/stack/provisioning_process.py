"""`python -m deployments.stack.provisioning_process [--first-access] [--unchanged]`: provision the environment's stack.

In a process of its own, so that the supervisor, which stays, need hold neither Prefect's client nor the ledger's. A
line of its input says that PostgreSQL is ready: it sees to the ledger and prints a line of JSON, an object, in which
with `--first-access` are `link`, the code by which the first person signs in, and `key`, each null unless one was made.
The end of its input says that Prefect is ready: it does the rest. What takes long to import it imports before that,
unless everything is provisioned already (`--unchanged`): then it stays out of the way of the start.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import sys

from deployments.settings import GatewaySettings
from deployments.stack.first_access import first_key, first_link
from deployments.stack.settings import StackSettings
from deployments.warm_worker.gc_tuning import raise_thresholds
from deployments.warm_worker.process_control import die_with_parent
from flows.domain.errors import ReceiptflowError
from flows.ledger.migrate import upgrade

_NICENESS = 10  # of what nobody waits for
_OBJECTS = "deployments.provisioning.prefect_objects"


def main() -> int:
    """Make or refresh tables, blocks, work pool and deployments; the exit status, 1 with one line that says why."""
    die_with_parent(os.getppid())
    raise_thresholds()
    parser = argparse.ArgumentParser(prog="python -m deployments.stack.provisioning_process")
    parser.add_argument("--first-access", action="store_true")
    parser.add_argument("--unchanged", action="store_true")
    options = parser.parse_args()
    if not options.unchanged:
        importlib.import_module(_OBJECTS).import_flows()
    sys.stdin.readline()
    try:
        _provision(options)
    except ReceiptflowError as error:
        print(f"receiptflow: {error}", file=sys.stderr)
        return 1
    return 0


def _provision(options: argparse.Namespace) -> None:
    settings, stack = GatewaySettings(), StackSettings()  # from the environment
    upgrade(settings.ledger_url.get_secret_value())
    made = {"link": first_link(stack), "key": first_key(stack)} if options.first_access else {}
    print(json.dumps(made), flush=True)
    sys.stdin.read()
    if options.unchanged:
        os.nice(_NICENESS)
    from deployments.provisioning.infrastructure import storage_address  # noqa: PLC0415 - see above
    from deployments.provisioning.prefect_objects import provision  # noqa: PLC0415

    asyncio.run(provision(storage_address(settings), settings.ledger_url, settings.public_url))


if __name__ == "__main__":
    sys.exit(main())
