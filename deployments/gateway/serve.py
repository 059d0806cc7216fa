"""How the gateway listens: on its own address, and for other devices on another, with TLS by a certificate if given."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from deployments.settings import GatewaySettings
from flows.domain.errors import ConfigurationError


class GatewayServer(uvicorn.Server):
    """Serves the gateway; the other devices' server begins after it and ends before it, as both have one application.

    Args:
        config: The gateway's own.
        others: The server for other devices, and its socket.
    """

    def __init__(self, config: uvicorn.Config, others: tuple[uvicorn.Server, socket.socket] | None = None) -> None:
        super().__init__(config)
        self._others = others
        self._serving: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen, first on the gateway's own address."""
        await super().startup(sockets)
        if self._others and self.started:
            server, listening = self._others
            self._serving = asyncio.create_task(server.serve(sockets=[listening]))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what was begun; other devices first."""
        if self._others and self._serving:
            self._others[0].should_exit = True
            await self._serving
        await super().shutdown(sockets)


class _OthersServer(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the other server's."""
        yield


def make_server(app: ASGIApp, settings: GatewaySettings, **options: Any) -> GatewayServer:
    """The server of these settings, which listens for other devices already.

    Args:
        app: The gateway.
        settings: Where to listen.
        options: uvicorn's, for both addresses.

    Raises:
        ConfigurationError: The second address or its certificate cannot be used.
    """
    own = uvicorn.Config(app, host=settings.gateway_host, port=settings.port, **options)
    if not settings.lan_host:
        return GatewayServer(own)
    # No proxy stands before this address: what a request says of its sender is not believed.
    config = uvicorn.Config(
        app,
        lifespan="off",
        proxy_headers=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        **options,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"The certificate {settings.tls_cert} with the key {settings.tls_key} cannot be used: {error}. Give both "
            "in PEM, the key without a password."
        ) from error
    return GatewayServer(own, (_OthersServer(config), _listen(settings.lan_host, settings.lan_port)))


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise ConfigurationError(
            f"Cannot listen on {host} port {port} for other devices: {error}. Choose an address of this machine "
            "(RECEIPTFLOW_LAN_HOST) and a free port."
        ) from error
