"""`python -m deployments.provisioning`: provision what the environment leads to; for the embedded stack.

In a process of its own, so that the supervisor of the stack, which stays, need not hold Prefect's client.
"""

from __future__ import annotations

import asyncio
import os
import sys

from deployments.provisioning.infrastructure import storage_address
from deployments.provisioning.prefect_objects import provision
from deployments.settings import GatewaySettings
from deployments.warm_worker.process_control import die_with_parent
from flows.domain.errors import ReceiptflowError


def main() -> int:
    """Make or refresh tables, blocks, work pool and deployments; the exit status, 1 with one line that says why."""
    die_with_parent(os.getppid())
    settings = GatewaySettings()  # from the environment
    try:
        asyncio.run(provision(storage_address(settings), settings.ledger_url, settings.public_url))
    except ReceiptflowError as error:
        print(f"receiptflow: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
