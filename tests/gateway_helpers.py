"""What the gateway's tests share: a gateway on real storage and a real ledger, on a real socket; Prefect is away.

`gateway_with_prefect` is one whose Prefect answers. Both begin with an empty ledger and keys of two owners.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest
from conftest import free_ports
from fastapi import FastAPI
from prefect.context import SettingsContext, get_settings_context
from prefect.settings import PREFECT_API_URL, PREFECT_CLIENT_MAX_RETRIES, Settings
from pydantic import SecretStr

from deployments.gateway.app import create_app
from deployments.gateway.serve import make_server
from deployments.settings import GatewaySettings
from deployments.stack import Stack
from flows.ledger.access import Scope, create_key
from flows.ledger.database import Ledger

EVENTS_TOKEN = "a shared one of the event tests"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40


@dataclass
class Gateway:
    """A running gateway. `anna` and `bert` are clients with keys of all scopes, `nobody` has none."""

    url: str
    settings: GatewaySettings
    ledger: Ledger
    parts: Any
    anna: httpx.AsyncClient
    bert: httpx.AsyncClient
    nobody: httpx.AsyncClient

    async def accepted(self, body: bytes = JPEG, client: httpx.AsyncClient | None = None, **headers: str) -> Any:
        """What the gateway answers to a posted picture."""
        answer = await (client or self.anna).post(
            "/receipts", content=body, headers={"Content-Type": "image/jpeg"} | headers
        )
        assert answer.status_code in {200, 202}, answer.text
        return answer.json()


def key_of(ledger: Ledger, owner: str, *scopes: Scope) -> str:
    """A new key."""
    with ledger.session() as session:
        return create_key(owner, "test", scopes or list(Scope), session=session)[1]


def free_port() -> int:
    """A port that nobody has now, nor is given by the system for a connection or by another worker of this test run."""
    return free_ports()


async def early_in_window(seconds: int, needs: int = 15) -> None:
    """Wait until a rate's window, which the clock divides, does not end within what a test of it needs; at its end a
    sliding window forgets a share of what was counted.
    """
    left = seconds - time.time() % seconds
    if left < needs:
        await asyncio.sleep(left)


def settings_for(seaweedfs: Stack, ledger: str, **changes: Any) -> GatewaySettings:
    """The gateway's settings for these parts."""
    env = seaweedfs.environment
    values: dict[str, Any] = {
        "ledger_url": SecretStr(ledger),
        "s3_endpoint_url": env["RECEIPTFLOW_S3_ENDPOINT_URL"],
        "s3_access_key": env["RECEIPTFLOW_S3_ACCESS_KEY"],
        "s3_secret_key": SecretStr(env["RECEIPTFLOW_S3_SECRET_KEY"]),
        "gateway_url": f"http://127.0.0.1:{free_port()}",
        "events_token": SecretStr(EVENTS_TOKEN),
        "webhooks_allow_private": True,
        "exports_allow_private": True,
        "refusal_rate": "100000/minute",  # whole tests of refusals come from one address
    }
    return GatewaySettings(**(values | changes))


# What a gateway's or a client's making costs beside what is tested is paid once: the routes and templates of an
# application, which nothing changes while it runs, and the certificates that a client loads also where it needs none.
_IDLE: list[FastAPI] = []
_TLS = ssl.create_default_context()


@contextmanager
def application(settings: GatewaySettings) -> Iterator[FastAPI]:
    """A gateway's application that nobody else runs meanwhile, with these settings."""
    app = _IDLE.pop() if _IDLE else create_app(settings)
    app.state.settings = settings
    yield app
    _IDLE.append(app)


def client_of(url: str, headers: dict[str, str] | None = None, timeout: float = 120) -> httpx.AsyncClient:
    """Whoever calls a gateway."""
    return httpx.AsyncClient(base_url=url, headers=headers, timeout=timeout, verify=_TLS)


@asynccontextmanager
async def running(settings: GatewaySettings, ledger: Ledger) -> AsyncIterator[Gateway]:
    """A gateway that listens while the block runs."""
    with application(settings) as app:
        async with _listening(app, settings, ledger) as gateway:
            yield gateway


@asynccontextmanager
async def _listening(app: FastAPI, settings: GatewaySettings, ledger: Ledger) -> AsyncIterator[Gateway]:
    server = make_server(app, settings, log_config=None, timeout_graceful_shutdown=1)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
        if serving.done():
            serving.result()
    keys = [f"Bearer {key_of(ledger, owner)}" for owner in ("anna", "bert")]
    anna, bert = (client_of(settings.gateway_url, {"Authorization": key}) for key in keys)
    nobody = client_of(settings.gateway_url)
    try:
        yield Gateway(settings.gateway_url, settings, ledger, app.state.context, anna, bert, nobody)
    finally:
        for client in (anna, bert, nobody):
            await client.aclose()
        server.should_exit = True
        await serving


@contextmanager
def prefect_away() -> Iterator[None]:
    """Points Prefect's client at a port where nobody listens."""
    with SettingsContext(profile=get_settings_context().profile, settings=_away()):
        yield


@cache
def _away() -> Settings:
    # Port 1, below those that the tests listen on.
    updates = {PREFECT_API_URL: "http://127.0.0.1:1/api", PREFECT_CLIENT_MAX_RETRIES: 0}
    return get_settings_context().settings.copy_with_update(updates)


@pytest.fixture
def start_gateway(
    seaweedfs: Stack, ledger: Ledger, ledger_url: str
) -> Callable[..., AbstractAsyncContextManager[Gateway]]:
    """Makes gateways with other settings; Prefect is away."""

    @asynccontextmanager
    async def start(**changes: Any) -> AsyncIterator[Gateway]:
        with prefect_away():
            async with running(settings_for(seaweedfs, ledger_url, **changes), ledger) as gateway:
                yield gateway

    return start


@pytest.fixture
async def gateway(start_gateway: Callable[..., AbstractAsyncContextManager[Gateway]]) -> AsyncIterator[Gateway]:
    """A gateway whose Prefect is away."""
    async with start_gateway() as started:
        yield started


@pytest.fixture
async def gateway_with_prefect(
    prefect_api: Stack, seaweedfs: Stack, ledger: Ledger, ledger_url: str
) -> AsyncIterator[Gateway]:
    """A gateway whose Prefect answers, with its database; the deployments are not there."""
    database = SecretStr(prefect_api.settings.database_url("prefect"))
    async with running(settings_for(seaweedfs, ledger_url, prefect_database_url=database), ledger) as started:
        yield started
