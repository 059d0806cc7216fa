"""`python -m deployments.gateway`: run the gateway with settings from the environment."""

from __future__ import annotations

import sys

from deployments import json_logs
from deployments.gateway.app import create_app
from deployments.gateway.serve import make_server
from deployments.settings import GatewaySettings
from deployments.warm_worker.gc_tuning import freeze_after_imports
from flows.domain.errors import ConfigurationError

# How long a thread may hold the interpreter while the event loop waits for it; by default 5 ms, at each of the
# many points of a request.
_SWITCH_SECONDS = 0.0005


def main() -> None:
    """Run until SIGTERM or SIGINT; requests that have begun are finished."""
    settings = GatewaySettings()  # from the environment
    json_logs.set_up()
    sys.setswitchinterval(_SWITCH_SECONDS)
    try:
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
    except ConfigurationError as error:
        sys.exit(f"receiptflow: {error}")
    freeze_after_imports()  # a full collection over all imported modules would stop all requests
    server.run()
    if not server.started:
        sys.exit(3)  # as uvicorn's own command says it


if __name__ == "__main__":
    main()
