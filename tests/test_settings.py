"""The gateway listens beyond this machine only with secrets that nobody could guess."""

from __future__ import annotations

import pytest
from pydantic import SecretStr

from deployments.settings import GatewaySettings
from flows.domain.errors import ConfigurationError

EVERYWHERE = "0.0.0.0"  # noqa: S104
RANDOM = "qN7vR2xK9mT4bW8zL3cY6dF1"


def settings(host: str, *, s3: str = RANDOM, events: str | None = RANDOM) -> GatewaySettings:
    token = SecretStr(events) if events is not None else None
    return GatewaySettings(
        ledger_url=SecretStr("postgresql://u@h/ledger"),
        gateway_host=host,
        s3_secret_key=SecretStr(s3),
        events_token=token,
    )


@pytest.mark.parametrize("host", [EVERYWHERE, "::", "192.0.2.7", "gateway.example"])
@pytest.mark.parametrize("weak", [{"s3": "changeme-changeme-changeme"}, {"s3": "short"}, {"events": "short"}])
def test_weak_secrets_are_refused_off_loopback(host: str, weak: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="RECEIPTFLOW_"):
        settings(host, **weak).require_secure()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_on_loopback_nothing_is_demanded(host: str) -> None:
    settings(host, s3="short", events="short").require_secure()


def test_random_secrets_are_enough() -> None:
    settings(EVERYWHERE).require_secure()
    settings(EVERYWHERE, events=None).require_secure()
