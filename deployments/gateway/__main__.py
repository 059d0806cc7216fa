"""`python -m deployments.gateway [--upgrade]`: run the gateway with settings from the environment.

With `--upgrade` the ledger's tables are made or brought up to date first, as the embedded stack does it: so the gateway
need not wait for the rest of the stack to be set up.
"""

from __future__ import annotations

import argparse
import sys

from deployments import json_logs
from deployments.gateway.app import create_app
from deployments.gateway.serve import make_server
from deployments.settings import GatewaySettings
from deployments.warm_worker.gc_tuning import freeze_after_imports
from flows.domain.errors import ConfigurationError
from flows.ledger.errors import LedgerUnavailableError
from flows.ledger.migrate import upgrade

# How long a thread may hold the interpreter while the event loop waits for it; by default 5 ms, at each of the
# many points of a request.
_SWITCH_SECONDS = 0.0005


def main() -> None:
    """Run until SIGTERM or SIGINT; requests that have begun are finished."""
    parser = argparse.ArgumentParser(prog="python -m deployments.gateway")
    parser.add_argument("--upgrade", action="store_true", help="bring the ledger's tables up to date first")
    options = parser.parse_args()
    settings = GatewaySettings()  # from the environment
    json_logs.set_up()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
        if options.upgrade:
            upgrade(settings.ledger_url.get_secret_value())
        server = make_server(
            create_app(settings),
            settings,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=settings.max_requests_at_once,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=8,
            h11_max_incomplete_event_size=64_000,
        )
    except (ConfigurationError, LedgerUnavailableError) as error:
        sys.exit(f"receiptflow: {error}")
    freeze_after_imports()  # a full collection over all imported modules would stop all requests
    server.run()
    if not server.started:
        sys.exit(3)  # as uvicorn's own command says it


if __name__ == "__main__":
    main()
