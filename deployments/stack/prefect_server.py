"""Prefect's API and UI as a part of the stack: one process on the stack's PostgreSQL."""

from __future__ import annotations

import sys

from deployments.settings import StackSettings
from deployments.stack.credentials import Credentials
from deployments.stack.service import HttpCheck, Service

# What the server is run with, beyond addresses and secrets. Tune it here.
SERVER_SETTINGS = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}


def prefect_service(settings: StackSettings, credentials: Credentials) -> Service:
    """Prefect's server for this stack."""
    health = HttpCheck(settings.ports.prefect, "/api/health", timeout=4.0)
    port = str(settings.ports.prefect)
    return Service(
        name="prefect",
        command=[sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", port],
        env={
            **SERVER_SETTINGS,
            "PREFECT_API_DATABASE_CONNECTION_URL": settings.database_url("prefect", driver="asyncpg"),
            "PREFECT_SERVER_UI_API_URL": f"{settings.prefect_url}/api",
            "PREFECT_SERVER_API_AUTH_STRING": credentials.prefect_auth_string.get_secret_value(),
            "PREFECT_SERVER_ENCRYPTION_KEY": credentials.prefect_encryption_key.get_secret_value(),
        },
        ready_check=health,
        liveness_check=HttpCheck(settings.ports.prefect, "/api/health", timeout=4.0),
        needs=("postgres",),
        start_timeout=300.0,  # the first start makes some hundred tables and indexes
        stop_timeout=5.0,  # it may wait longer for its clients; all its state is in PostgreSQL
    )
