"""What programs must know to use a stack, as environment variables: for its own parts, other commands and shells."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from deployments.stack.credentials import Credentials
from deployments.stack.errors import DataUnusableError
from deployments.stack.lan import lan_urls
from deployments.stack.settings import StackSettings

STATE_FILE = "stack.json"
# Settings of the user's shell that would lead a part of this stack to another Prefect or another S3.
_FOREIGN = (
    "PREFECT_API_KEY",
    "PREFECT_PROFILE",
    "PREFECT_PROFILES_PATH",
    "PREFECT_API_DATABASE_CONNECTION_URL",
    "PREFECT_SERVER_DATABASE_CONNECTION_URL",
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
)


def stack_environment(settings: StackSettings, credentials: Credentials) -> dict[str, str]:
    """The variables that lead a client or a part to this stack."""
    return {
        "PREFECT_API_URL": f"{settings.prefect_url}/api",
        "PREFECT_API_AUTH_STRING": credentials.prefect_auth_string.get_secret_value(),
        "PREFECT_HOME": str(settings.prefect_home),
        "RECEIPTFLOW_DATA_DIR": str(settings.root),
        "RECEIPTFLOW_PORT": str(settings.port),
        "RECEIPTFLOW_S3_ENDPOINT_URL": settings.s3_url,
        "RECEIPTFLOW_S3_ACCESS_KEY": credentials.s3_access_key,
        "RECEIPTFLOW_S3_SECRET_KEY": credentials.s3_secret_key.get_secret_value(),
        "RECEIPTFLOW_INBOX_BUCKET": settings.inbox_bucket,
        "RECEIPTFLOW_RESULTS_BUCKET": settings.results_bucket,
        "RECEIPTFLOW_LEDGER_URL": settings.database_url("ledger"),
        "RECEIPTFLOW_GATEWAY_URL": settings.gateway_url,
        "RECEIPTFLOW_PUBLIC_URL": settings.public_url or next(iter(lan_urls(settings)), settings.gateway_url),
        "RECEIPTFLOW_PREFECT_UI_URL": settings.prefect_url,
        "RECEIPTFLOW_EVENTS_TOKEN": credentials.events_token.get_secret_value(),
    }


# glibc gives threads heaps of their own, up to eight a core, each with holes. Python's threads take turns anyway.
_MEMORY = {"MALLOC_ARENA_MAX": "2"}
# Prefect's own lines would name no day, and be painted for a terminal.
_LOG_LINES = {
    "PREFECT_LOGGING_FORMATTERS_STANDARD_DATEFMT": "%Y-%m-%d %H:%M:%S",
    "PREFECT_LOGGING_HANDLERS_CONSOLE_CLASS": "deployments.warm_worker.plain_logs.PlainHandler",
}


def child_environment(stack: dict[str, str]) -> dict[str, str]:
    """The whole environment of a part: the user's, without what leads elsewhere, with this stack's."""
    inherited = {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    return {**_MEMORY, **_LOG_LINES, **inherited, "PATH": path, "PYTHONUNBUFFERED": "1", **stack}


def shell_environment(settings: StackSettings) -> dict[str, str]:
    """What a user's shell needs so that `aws`, `prefect` and `receiptflow` talk to this stack.

    Raises:
        DataUnusableError: no stack was ever started on this data folder.
    """
    running = find_stack(settings)
    # Another stack that is started from this shell has pages of its own.
    running.pop("RECEIPTFLOW_PUBLIC_URL", None)
    return {
        **running,
        "AWS_ENDPOINT_URL": running["RECEIPTFLOW_S3_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": running["RECEIPTFLOW_S3_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": running["RECEIPTFLOW_S3_SECRET_KEY"],
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def find_stack(settings: StackSettings) -> dict[str, str]:
    """The environment of the stack that runs, or ran last, on this data folder, whatever its port.

    Raises:
        DataUnusableError: there is none.
    """
    path = settings.root / STATE_FILE
    try:
        environment = json.loads(path.read_text())["environment"]
    except FileNotFoundError as error:
        raise DataUnusableError(
            f"No stack has run on {settings.root}: start one with `receiptflow up`, or name its folder (--data)."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise DataUnusableError(f"{path} is broken: start the stack again, which writes it anew.") from error
    return {str(name): str(value) for name, value in environment.items()}
