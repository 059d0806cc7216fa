"""The gateway while it starts: it listens at once, tells whoever asks what it waits for, and works when it can.

What the gateway works with takes seconds to import, and its database may start at the same time. Until both are there
pages and API are answered from here, with 503; then each request is passed on to the gateway.
"""

from __future__ import annotations

import asyncio
import http
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from deployments.gateway.web.assets import PREFIX, Assets
from deployments.gateway.web.headers import POLICY
from deployments.gateway.web.starting import Awaited, starting_page
from deployments.version import installed_version

if TYPE_CHECKING:
    from fastapi import FastAPI

_RETRY_AFTER_SECONDS = 1
_NOT_READY = {"ready": False, "ledger": False, "storage": False, "prefect": False, "services": {}, "disk_low": False}
_HEADERS = {"Retry-After": str(_RETRY_AFTER_SECONDS), "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_READING = ("GET", "HEAD")
_METHODS = (*_READING, "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class StartingGateway:
    """An ASGI application that is the gateway as soon as `load` has returned it.

    Attributes: `awaits`, which `load` sets to what it waits for; `stopping`, on which `load` gives up; `failure`, why
    there is no gateway.

    Args:
        load: Returns the gateway; called in a thread while requests are answered.
        give_up: Called when `load` or the gateway's own start has failed.
    """

    def __init__(self, load: Callable[[StartingGateway], FastAPI], give_up: Callable[[], None]) -> None:
        self.awaits = Awaited.PROGRAM
        self.stopping = threading.Event()
        self.failure: Exception | None = None
        self._load, self._give_up = load, give_up
        self._gateway: FastAPI | None = None
        self._assets = Assets()
        self._meanwhile = self._make()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on, to the gateway if it is there."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        else:
            await (self._gateway or self._meanwhile)(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        over = asyncio.Event()
        working = asyncio.create_task(self._work(over))
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self.stopping.set()
        over.set()
        await working
        await send({"type": "lifespan.shutdown.complete"})

    async def _work(self, over: asyncio.Event) -> None:
        """Be the gateway from when it is loaded until it is over."""
        try:
            gateway = await asyncio.to_thread(self._load, self)
            async with gateway.router.lifespan_context(gateway):
                self._gateway = gateway
                await over.wait()
        except Exception as error:  # whatever it is, it is told where the process ends
            if not self.stopping.is_set():
                self.failure = error
                self._give_up()

    def _make(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/health", _health),
                Route("/ready", _ready),
                Route(f"{PREFIX}/static/{{digest}}/{{name:path}}", self._assets.answer),
                Route("/{path:path}", self._answer, methods=list(_METHODS)),
            ]
        )

    async def _answer(self, request: Request) -> Response:
        if request.url.path == "/" and request.method in _READING:
            return RedirectResponse(f"{PREFIX}/", 307)
        if "text/html" in request.headers.get("accept", "") or request.headers.get("hx-request"):
            language, is_read = request.headers.get("accept-language", ""), request.method in _READING
            text = starting_page(self.awaits, language, self._assets, goes_on=is_read)
            return HTMLResponse(text, 503, {**_HEADERS, "Content-Security-Policy": POLICY})
        status = http.HTTPStatus.SERVICE_UNAVAILABLE
        detail = f"receiptflow is starting: {self.awaits} Repeat the request in a moment."
        content = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
        return JSONResponse(content, status, _HEADERS, media_type="application/problem+json")


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok", "version": installed_version()})


async def _ready(_request: Request) -> Response:
    return JSONResponse(_NOT_READY, 503, _HEADERS)
