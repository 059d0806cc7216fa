"""JSON bodies into bounded memory: FastAPI itself reads whatever comes before a route's own code sees any of it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request, Response
from fastapi.routing import APIRoute
from starlette.types import Message

# A thousand decisions with a page of notes each.
LARGEST_JSON_BYTES = 8_000_000


class BoundedRoute(APIRoute):
    """A route whose body is refused with 413 while it arrives, once it is too large."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler over a stream that is counted."""
        handle = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            return await handle(Request(request.scope, _counted(request)))

        return bounded


def _counted(request: Request) -> Callable[[], Coroutine[Any, Any, Message]]:
    come = 0

    async def receive() -> Message:
        nonlocal come
        message = await request.receive()
        come += len(message.get("body", b""))
        if come > LARGEST_JSON_BYTES:
            # FastAPI takes any other error that comes out of a body for malformed JSON.
            raise HTTPException(413, f"The body is larger than {LARGEST_JSON_BYTES} bytes; send fewer at a time.")
        return message

    return receive
