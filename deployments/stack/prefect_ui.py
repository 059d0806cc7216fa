"""Keeps Prefect's UI to its own server: a browser that shows it asks no other host.

The UI by itself loads the blocks' logos from two content networks and configures a telemetry library at a third host
before it has read that telemetry is off. No setting turns these off; a Content-Security-Policy does.
"""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from fastapi import FastAPI, Request, Response
from prefect.server.api import server
from prefect.settings import PREFECT_UI_API_URL
from starlette.middleware.base import RequestResponseEndpoint


def content_security_policy(api_url: str) -> str:
    """Everything from the UI's own origin, and requests to the API's.

    Inline styles and compiled validators of forms (`unsafe-eval`) are how the UI is built.
    """
    address = urlsplit(api_url)
    api = f"{address.scheme}://{address.netloc}"
    websocket = f"{'wss' if address.scheme == 'https' else 'ws'}://{address.netloc}"
    return "; ".join(
        (
            "default-src 'self'",
            f"connect-src 'self' {api} {websocket}",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "style-src 'self' 'unsafe-inline'",
            "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "frame-ancestors 'none'",
        )
    )


def confine_ui() -> None:
    """Have Prefect's server, when it is made in this process, send the policy with its UI."""
    server.create_ui_app = _confined(server.create_ui_app)  # type: ignore[assignment]  # a function as a module keeps it


def _confined(create: Callable[[bool], FastAPI]) -> Callable[[bool], FastAPI]:
    def create_ui_app(ephemeral: bool) -> FastAPI:
        app = create(ephemeral)
        policy = content_security_policy(str(PREFECT_UI_API_URL.value()))

        @app.middleware("http")
        async def add_policy(request: Request, call_next: RequestResponseEndpoint) -> Response:
            response = await call_next(request)
            response.headers["Content-Security-Policy"] = policy
            return response

        return app

    return create_ui_app
