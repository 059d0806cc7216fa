"""The gateway's settings: environment variables `RECEIPTFLOW_…`, which the embedded stack sets by itself.

The gateway has settings of its own, instead of Prefect's blocks, because it has to start and to accept receipts
while Prefect's server is away.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from flows.domain.errors import ConfigurationError
from flows.domain.pages import PUBLIC_ADDRESS

_PLACEHOLDERS = ("change", "secret", "password", "example", "admin", "test")
_SHORTEST_SECRET = 16


class GatewaySettings(BaseSettings):
    """All settings of the gateway. Sizes in bytes, times in seconds."""

    model_config = SettingsConfigDict(env_prefix="RECEIPTFLOW_", frozen=True, extra="ignore")

    ledger_url: SecretStr = Field(description="The ledger's PostgreSQL, as a SQLAlchemy URL.")
    s3_endpoint_url: str | None = Field(default=None, description="S3 endpoint; without one, AWS.")
    s3_access_key: str | None = Field(default=None, description="Without one, boto's own search for credentials.")
    s3_secret_key: SecretStr | None = Field(default=None, description="The secret that belongs to s3_access_key.")
    s3_region: str = Field(default="us-east-1", description="The buckets' region.")
    s3_public_url: str | None = Field(
        default=None, description="The S3 endpoint as browsers reach it, for presigned uploads; else s3_endpoint_url."
    )
    inbox_bucket: str = Field(default="inbox", description="Bucket that receipts arrive in.")
    results_bucket: str = Field(default="results", description="Bucket that steps keep their results in.")
    gateway_url: str = Field(
        default="http://127.0.0.1:4201", description="Address of this API; its port is listened on."
    )
    public_url: str = Field(
        default="",
        pattern=PUBLIC_ADDRESS,
        description="Address under which people reach the pages, without /app, for example https://receipts.example. "
        "Notifications and runs link there; empty: they link nowhere.",
    )
    prefect_ui_url: str = Field(
        default="",
        pattern=PUBLIC_ADDRESS,
        description="Address of Prefect's UI as browsers reach it. Receipts' pages link to their run there; empty: "
        "they do not.",
    )
    gateway_host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    oidc_issuer: str = Field(
        default="",
        pattern=r"^$|^https://|^http://(127\.0\.0\.1|localhost)(:|/|$)",
        description="OpenID provider that people sign in with, by its issuer as it writes it; empty: none.",
    )
    oidc_client_id: str = Field(default="", description="What the provider knows this gateway as.")
    oidc_client_secret: SecretStr | None = Field(
        default=None, description="The secret that belongs to it; without one, a public client."
    )
    oidc_label: str = Field(default="single sign-on", description="The provider's name on the button.")
    oidc_claim: str = Field(
        default="email", min_length=1, description="Which claim is the person's name here. An email has to be verified."
    )
    oidc_domains: list[str] = Field(
        default=[], description="Domains of email that may sign in, as JSON; empty: all that the provider vouches for."
    )
    oidc_new_people: str = Field(
        default="",
        description="Owner whose viewer becomes whoever signs in and is not known; empty: only people who were added.",
    )
    lan_host: str = Field(
        default="",
        description="A second address to listen on, for other devices: 0.0.0.0, or one of this machine; empty: none.",
    )
    lan_port: int = Field(default=4212, ge=1, le=65535, description="Port of that second address.")
    tls_cert: Path | None = Field(
        default=None, description="Certificate (PEM, with its chain) that the second address speaks TLS with."
    )
    tls_key: Path | None = Field(default=None, description="Private key (PEM) that belongs to tls_cert.")
    tls_authority: Path | None = Field(
        default=None,
        description="Certificate (PEM) of the authority that signed tls_cert, if devices have to be told to trust it: "
        "the pages offer it.",
    )
    max_upload_bytes: int = Field(default=25_000_000, gt=0, description="Largest file.")
    max_files: int = Field(default=20, gt=0, description="Most files of one request.")
    max_requests_at_once: int = Field(default=200, gt=0, description="More than these are answered 503.")
    body_seconds: float = Field(default=120.0, gt=0, description="Longest time that a body may take.")
    body_idle_seconds: float = Field(default=15.0, gt=0, description="Longest pause within a body.")
    upload_rate: str = Field(default="1200/minute", description="Files and presigned uploads of one key.")
    request_rate: str = Field(default="3000/minute", description="All requests of one key.")
    refusal_rate: str = Field(
        default="120/minute", description="Attempts of one address without a valid key; more are answered 429."
    )
    region_rate: str = Field(
        default="60/minute", description="Parts of pictures that one key or session has read again."
    )
    upload_minutes: int = Field(default=15, gt=0, le=24 * 60, description="Life of a presigned upload.")
    submit_wait_seconds: float = Field(
        default=0.0, ge=0, description="How long POST /receipts waits for the flow run's id, unless the client says."
    )
    data_dir: Path | None = Field(
        default=None, description="The stack's data folder, whose disk is watched; without one, none is."
    )
    disk_warning_fraction: float = Field(
        default=0.1, ge=0, lt=1, description="With less of the disk free, /ready and the metrics warn."
    )
    events_token: SecretStr | None = Field(
        default=None, description="Shared secret of bucket events; without one, the events endpoints are off."
    )
    prefect_database_url: SecretStr | None = Field(
        default=None,
        description="Prefect's database (postgresql+psycopg://…), where a deleted receipt's events are deleted, as "
        "Prefect's API cannot; without it they go after Prefect's retention.",
    )
    webhooks_allow_private: bool = Field(
        default=False, description="Let webhooks call private and loopback addresses. For tests and closed networks."
    )
    exports_allow_private: bool = Field(
        default=False,
        description="Let owners name servers for their books that are in a private network or answer without TLS, such "
        "as a Firefly III at home. Off where you do not trust every owner's admins.",
    )

    @property
    def port(self) -> int:
        """The port to listen on."""
        return urlsplit(self.gateway_url).port or 80

    def require_secure(self) -> None:
        """Refuse to listen off loopback with secrets that anybody could guess.

        Raises:
            ConfigurationError: says which secret to replace.
        """
        host = next((one for one in (self.gateway_host, self.lan_host) if one and not is_loopback(one)), None)
        if host is None:
            return
        for name in ("s3_secret_key", "events_token"):
            value: SecretStr | None = getattr(self, name)
            if value is not None and _is_placeholder(value.get_secret_value()):
                raise ConfigurationError(
                    f"RECEIPTFLOW_{name.upper()} is a placeholder or shorter than {_SHORTEST_SECRET} characters: "
                    f"set a random one before listening on {host}, or listen on 127.0.0.1."
                )


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches a host of this name or address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _is_placeholder(secret: str) -> bool:
    return len(secret) < _SHORTEST_SECRET or any(word in secret.lower() for word in _PLACEHOLDERS)
