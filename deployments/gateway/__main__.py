"""`python -m deployments.gateway`: run the gateway with settings from the environment."""

from __future__ import annotations

import sys

import uvicorn

from deployments.gateway import logs
from deployments.gateway.app import create_app
from deployments.gateway.settings import GatewaySettings
from flows.errors import ConfigurationError


def main() -> None:
    """Run until SIGTERM or SIGINT; requests that have begun are finished."""
    settings = GatewaySettings()  # from the environment
    logs.set_up()
    try:
        app = create_app(settings)
    except ConfigurationError as error:
        sys.exit(f"receiptflow: {error}")
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
