"""`python -m deployments.gateway`: run the gateway with settings from the environment."""

from __future__ import annotations

import sys

import uvicorn

from deployments import json_logs
from deployments.gateway.app import create_app
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
        app = create_app(settings)
    except ConfigurationError as error:
        sys.exit(f"receiptflow: {error}")
    freeze_after_imports()  # a full collection over all imported modules would stop all requests
    uvicorn.run(
        app,
        host=settings.gateway_host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=settings.max_requests_at_once,
        timeout_keep_alive=30,
        timeout_graceful_shutdown=8,
        h11_max_incomplete_event_size=64_000,
    )


if __name__ == "__main__":
    main()
