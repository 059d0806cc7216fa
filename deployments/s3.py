"""The boto3 client of everything in `deployments` that talks to S3."""

from __future__ import annotations

from functools import cache
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.loaders import Loader

from deployments.settings import GatewaySettings
from flows.domain.errors import ConfigurationError

# Short enough that a hung server is noticed within a step's own limit; the step's policy does the longer retrying.
BOTO_CONFIG: dict[str, Any] = {
    "connect_timeout": 5,
    "read_timeout": 20,
    "retries": {"mode": "standard", "total_max_attempts": 2},
    "max_pool_connections": 16,
    "request_checksum_calculation": "when_required",
    "response_checksum_validation": "when_required",
}


def s3_client(settings: GatewaySettings, endpoint: str | None) -> Any:
    """A boto3 client for one S3 endpoint with the credentials of the settings."""
    return _session(settings).client(
        "s3", endpoint_url=endpoint, config=Config(signature_version="s3v4", **BOTO_CONFIG)
    )


def s3_credentials(settings: GatewaySettings) -> Any:
    """botocore's credentials for signing requests of one's own; where the settings name none, those of the machine.

    Raises:
        ConfigurationError: there are none anywhere.
    """
    credentials = _session(settings).get_credentials()
    if credentials is None:
        raise ConfigurationError(
            "No S3 credentials: set RECEIPTFLOW_S3_ACCESS_KEY and RECEIPTFLOW_S3_SECRET_KEY, or give the machine "
            "a role."
        )
    return credentials


def _session(settings: GatewaySettings) -> Any:
    secret = settings.s3_secret_key
    core = botocore.session.Session()
    core.register_component("data_loader", _loader())
    return boto3.Session(
        botocore_session=core,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key,
        aws_secret_access_key=secret.get_secret_value() if secret else None,
    )


@cache
def _loader() -> Loader:
    """Keeps the service's description, which is the most of what a client's making costs, for the next one."""
    return Loader()
