"""What happens around every request: it is timed, counted, logged and given its security headers."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = logging.getLogger("receiptflow.access")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
]
# Each file that was posted comes back as an event at once; events that tell something new have a line of their own.
_QUIET = {"/health", "/ready", "/metrics", "/events/{store}"}


class RequestMiddleware:
    """ASGI middleware; plain, since Starlette's own base class costs a task and a queue a request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.perf_counter(), 500

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message.get("headers", [])
                there = {name.lower() for name, _ in headers}
                message["headers"] = [*headers, *(one for one in _HEADERS if one[0] not in there)]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            _note(scope, status, time.perf_counter() - began)


def _note(scope: Scope, status: int, seconds: float) -> None:
    route = scope.get("route")
    template = scope.get("root_path", "") + getattr(route, "path", "other")
    context = getattr(scope["app"].state, "context", None)
    if context is not None:
        context.metrics.seconds.labels(scope["method"], template, str(status)).observe(seconds)
    if template not in _QUIET or status >= 500:
        extra = {
            "method": scope["method"],
            "path": template,
            "status": status,
            "milliseconds": round(seconds * 1000, 1),
            "receipt_id": scope.get("path_params", {}).get("receipt_id"),
        }
        _log.info("answered", extra={name: value for name, value in extra.items() if value is not None})
