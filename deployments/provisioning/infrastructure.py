"""What a stack run elsewhere stands on and does not make by itself: the ledger's database and the two buckets."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from deployments.provisioning.prefect_objects import StorageAddress
from deployments.s3 import s3_client
from deployments.settings import GatewaySettings
from flows.domain.errors import ConfigurationError
from flows.ledger.migrate import create_database

_MISSING = {"404", "NoSuchBucket"}


def storage_address(settings: GatewaySettings) -> StorageAddress:
    """The buckets as the pipeline's blocks hold them."""
    return StorageAddress(
        endpoint_url=settings.s3_endpoint_url,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key,
        region=settings.s3_region,
        inbox=settings.inbox_bucket,
        results=settings.results_bucket,
    )


def make_infrastructure(settings: GatewaySettings) -> None:
    """Create the ledger's database and the buckets unless they exist; the inbox keeps every version of an object.

    Raises:
        ConfigurationError: S3 refuses.
        LedgerUnavailableError: PostgreSQL does not answer.
    """
    create_database(settings.ledger_url.get_secret_value())
    client = s3_client(settings, settings.s3_endpoint_url)
    for bucket in (settings.inbox_bucket, settings.results_bucket):
        if _is_there(client, bucket):
            continue
        _make(client, bucket, settings.s3_region)
        if bucket == settings.inbox_bucket:
            client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})


def require_buckets(settings: GatewaySettings) -> None:
    """Say now what the first receipt would say later.

    Raises:
        ConfigurationError: a bucket is missing, or S3 does not let us in.
    """
    client = s3_client(settings, settings.s3_endpoint_url)
    for bucket in (settings.inbox_bucket, settings.results_bucket):
        if not _is_there(client, bucket):
            raise ConfigurationError(f"There is no bucket {bucket}: create it, or run this command with --create.")


def _is_there(client: Any, bucket: str) -> bool:
    try:
        client.head_bucket(Bucket=bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] in _MISSING:
            return False
        raise ConfigurationError(f"S3 refuses bucket {bucket}: {error}; check the credentials.") from error
    except BotoCoreError as error:
        raise ConfigurationError(f"S3 cannot be asked for bucket {bucket}: {error}") from error
    return True


def _make(client: Any, bucket: str, region: str) -> None:
    # AWS takes no location for its first region and demands one for all others; other stores do not mind either way.
    where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
    try:
        client.create_bucket(Bucket=bucket, **where)
    except ClientError as error:
        raise ConfigurationError(f"S3 refuses to create bucket {bucket}: {error}") from error
