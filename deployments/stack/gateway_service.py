"""The gateway as a part of the embedded stack."""

from __future__ import annotations

import sys
from pathlib import Path

from deployments.stack import HttpCheck, Service
from deployments.stack.lan import lan_environment, prepare_certificate
from deployments.stack.settings import StackSettings

KEY_FILE = "api-key"


def gateway_service(settings: StackSettings) -> Service:
    """The gateway of this machine. It answers at once and waits for the database itself; receipts need no Prefect."""
    return Service(
        name="gateway",
        command=(sys.executable, "-m", "deployments.gateway", "--upgrade"),
        env={"RECEIPTFLOW_PREFECT_DATABASE_URL": settings.database_url("prefect"), **lan_environment(settings)},
        prepare=lambda: prepare_certificate(settings),
        ready_check=HttpCheck(settings.ports.gateway, "/ready"),
        liveness_check=HttpCheck(settings.ports.gateway, "/health"),
        stop_timeout=15.0,
    )


def key_file(settings: StackSettings) -> Path:
    """Where the first key is kept, with mode 600."""
    return settings.root / KEY_FILE
