"""`python -m deployments.gateway [--upgrade]`: run the gateway with settings from the environment.

It listens first and imports then. With `--upgrade` it waits for the ledger's database and brings its tables up to date,
as the embedded stack does it: so the gateway need not wait for the rest of the stack to be set up.
"""

from __future__ import annotations

import argparse
import logging
import sys
from typing import TYPE_CHECKING

from deployments import json_logs
from deployments.gateway.serve import make_server
from deployments.gateway.starting import StartingGateway
from deployments.gateway.web.starting import Awaited
from deployments.settings import GatewaySettings
from deployments.warm_worker.gc_tuning import freeze_after_imports, raise_thresholds
from flows.domain.errors import ConfigurationError, ReceiptflowError

if TYPE_CHECKING:
    from fastapi import FastAPI

# How long a thread may hold the interpreter while the event loop waits for it; by default 5 ms, at each of the
# many points of a request.
_SWITCH_SECONDS = 0.0005
_DATABASE_POLL_SECONDS = 0.1
_log = logging.getLogger("receiptflow.gateway")


def main() -> None:
    """Run until SIGTERM or SIGINT; requests that have begun are finished."""
    parser = argparse.ArgumentParser(prog="python -m deployments.gateway")
    parser.add_argument("--upgrade", action="store_true", help="bring the ledger's tables up to date first")
    options = parser.parse_args()
    settings = GatewaySettings()  # from the environment
    json_logs.set_up()
    sys.setswitchinterval(_SWITCH_SECONDS)
    raise_thresholds()

    def give_up() -> None:
        server.should_exit = True

    gateway = StartingGateway(lambda starting: _load(starting, settings, upgrades=options.upgrade), give_up)
    try:
        settings.require_secure()
        server = make_server(
            gateway,
            settings,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="on",
            limit_concurrency=settings.max_requests_at_once,
            timeout_keep_alive=30,
            timeout_graceful_shutdown=8,
            h11_max_incomplete_event_size=64_000,
        )
    except ConfigurationError as error:
        sys.exit(f"receiptflow: {error}")
    server.run()
    if isinstance(gateway.failure, ReceiptflowError):
        sys.exit(f"receiptflow: {gateway.failure}")
    if gateway.failure is not None:
        raise gateway.failure
    if not server.started:
        sys.exit(3)  # as uvicorn's own command says it


def _load(starting: StartingGateway, settings: GatewaySettings, *, upgrades: bool) -> FastAPI:
    """The gateway, once it can work."""
    from deployments.gateway.app import create_app  # noqa: PLC0415 - seconds, in which requests are answered already

    gateway = create_app(settings)
    freeze_after_imports()  # a full collection over all imported modules would stop all requests
    if upgrades:
        starting.awaits = Awaited.DATABASE
        _upgrade(starting, settings.ledger_url.get_secret_value())
    return gateway


def _upgrade(starting: StartingGateway, url: str) -> None:
    """Bring the tables up to date as soon as the database answers."""
    from flows.ledger.errors import LedgerUnavailableError  # noqa: PLC0415 - as above
    from flows.ledger.migrate import upgrade  # noqa: PLC0415 - as above

    told = ""
    while True:
        try:
            return upgrade(url)
        except LedgerUnavailableError as error:
            if starting.stopping.wait(_DATABASE_POLL_SECONDS):
                raise
            if str(error) != told:
                told = str(error)
                _log.info("waiting for the ledger: %s", told)


if __name__ == "__main__":
    main()
