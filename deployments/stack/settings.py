"""Where the embedded stack keeps its state and which ports it takes: the only settings that exist before a server does.

Everything else that can be configured lives in Prefect blocks and variables.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.domain.pages import PUBLIC_ADDRESS

# Linux's sockaddr_un.sun_path holds 108 bytes including the closing zero (unix(7)).
_SUN_PATH_BYTES = 107
_LONGEST_SOCKET_NAME = ".s.PGSQL.5432"


@dataclass(frozen=True)
class Ports:
    """The ports of one stack, all but `lan` on 127.0.0.1, counted from `base`; PostgreSQL has a unix socket."""

    base: int

    COUNT = 13

    @property
    def prefect(self) -> int:
        """Prefect's API and UI."""
        return self.base

    @property
    def gateway(self) -> int:
        """The upload API."""
        return self.base + 1

    @property
    def s3(self) -> int:
        """SeaweedFS's S3 endpoint."""
        return self.base + 2

    @property
    def lan(self) -> int:
        """The gateway for other devices, where it was asked for; on the address that was named."""
        return self.base + 12

    @property
    def internal(self) -> dict[str, int]:
        """SeaweedFS's own ports, by its option's name. Nobody but SeaweedFS is meant to use them."""
        names = (
            "s3.port.grpc",
            "master.port",
            "master.port.grpc",
            "filer.port",
            "filer.port.grpc",
            "volume.port",
            "volume.port.grpc",
            "admin.port",
            "admin.port.grpc",
        )
        return {name: self.base + 3 + offset for offset, name in enumerate(names)}


class StackSettings(BaseSettings):
    """Settings of the embedded stack, from arguments or from `RECEIPTFLOW_DATA_DIR` and `RECEIPTFLOW_PORT`."""

    model_config = SettingsConfigDict(env_prefix="RECEIPTFLOW_", frozen=True, extra="ignore")

    data_dir: Path = Field(default=Path(".receiptflow"), description="Folder that holds all state of the stack.")
    port: int = Field(default=4200, ge=1024, le=65535 - Ports.COUNT, description="First of the stack's 13 ports.")
    inbox_bucket: str = Field(default="inbox", description="Bucket that receipts arrive in.")
    results_bucket: str = Field(default="results", description="Bucket that steps keep their results in.")

    inbox_versioning: bool = Field(
        default=True, description="Keep every version of an object in the inbox: what was put is never overwritten."
    )

    keep_all_events: bool = Field(
        default=False,
        description="Keep in Prefect's event feed also what other tables have (states of steps, artifacts, "
        "heartbeats), and find the events of runs by tags, work queue and work pool too.",
    )

    public_url: str = Field(
        default="",
        pattern=PUBLIC_ADDRESS,
        description="Address under which people reach the pages, without /app; empty: the gateway's own here.",
    )

    lan_host: str = Field(
        default="",
        description="Address that the gateway also listens on, for other devices: 0.0.0.0 for all of this machine, as "
        "`--lan` says; empty: none.",
    )
    lan_tls: bool = Field(default=True, description="Speak TLS there, with a certificate of this stack's own or yours.")
    tls_cert: Path | None = Field(default=None, description="Your certificate for it (PEM, with its chain).")
    tls_key: Path | None = Field(default=None, description="The private key (PEM) that belongs to it.")

    @property
    def root(self) -> Path:
        """The data folder as an absolute path."""
        return self.data_dir.expanduser().resolve()

    @property
    def ports(self) -> Ports:
        """The port plan."""
        return Ports(self.port)

    @property
    def logs_dir(self) -> Path:
        """One log file per part."""
        return self.root / "logs"

    @property
    def prefect_home(self) -> Path:
        """Prefect's home, so that the user's own profiles and this stack never mix."""
        return self.root / "prefect"

    @property
    def socket_dir(self) -> Path:
        """Private folder of the unix sockets: inside the data folder when its path is short enough for a socket."""
        inside = self.root / "run"
        if len(os.fsencode(inside / _LONGEST_SOCKET_NAME)) <= _SUN_PATH_BYTES:
            return inside
        digest = hashlib.sha256(os.fsencode(self.root)).hexdigest()[:12]
        parent = os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir()
        return Path(parent) / f"receiptflow-{os.getuid()}-{digest}"

    @property
    def prefect_url(self) -> str:
        """Address of Prefect's UI; the API is below `/api`."""
        return f"http://127.0.0.1:{self.ports.prefect}"

    @property
    def gateway_url(self) -> str:
        """Address of the upload API."""
        return f"http://127.0.0.1:{self.ports.gateway}"

    @property
    def s3_url(self) -> str:
        """Address of the S3 endpoint."""
        return f"http://127.0.0.1:{self.ports.s3}"

    def database_url(self, database: str, driver: str = "psycopg") -> str:
        """URL of one of the stack's databases (`prefect`, `ledger`) for SQLAlchemy, over the unix socket."""
        return f"postgresql+{driver}://postgres@/{database}?host={quote(str(self.socket_dir), safe='')}"
