"""Keeps Prefect's UI to its own server, and has it say what its login wants.

The UI by itself loads the blocks' logos from two content networks and configures a telemetry library at a third host
before it has read that telemetry is off. No setting turns these off; a Content-Security-Policy does: a browser that
shows it asks no other host. Its login shows one field for a password and "Authentication failed" before anything was
typed; a few words above the field tell what that is, and where receipts are (`tests/test_prefect_ui.py`).
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from http import HTTPStatus
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


def explanation(pages: str) -> str:
    """A script for the UI's pages: on the one with the login, what is to be typed, in English as the rest of it, and no
    advertisement with "Something went wrong" before anything was typed.
    """
    words = json.dumps(
        "This is the Prefect server behind receiptflow. Type the whole of what “receiptflow up” prints behind "
        "“log in with”, colon included; “receiptflow env” has it as PREFECT_API_AUTH_STRING. “Authentication failed” "
        "only says that nobody has logged in with this browser yet."
    )
    link = json.dumps({"href": pages, "textContent": "Receipts, review and exports are on receiptflow's pages."})
    return f"""<script>
new MutationObserver(() => {{
  if (!location.pathname.endsWith("/login")) return;
  for (const toast of document.querySelectorAll(".p-toast-container__toast"))
    if (toast.textContent.includes("Prefect Cloud")) toast.style.display = "none";
  const form = document.querySelector("input[type=password]")?.closest("form");
  if (!form || document.getElementById("receiptflow-login")) return;
  const note = Object.assign(document.createElement("div"), {{ id: "receiptflow-login" }});
  note.style.cssText = "max-width: 24rem; margin-bottom: 1rem; font-size: .875rem; line-height: 1.4";
  note.append(Object.assign(document.createElement("p"), {{ textContent: {words} }}));
  if ({link}.href) {{
    const link = Object.assign(document.createElement("a"), {link});
    link.style.textDecoration = "underline";
    note.append(link);
  }}
  form.before(note);
}}).observe(document, {{ childList: true, subtree: true }});
</script>"""


def adapt_ui() -> None:
    """Have Prefect's server, when it is made in this process, send policy and explanation with its UI."""
    server.create_ui_app = _adapted(server.create_ui_app)  # type: ignore[assignment]  # a function as a module keeps it


async def _explained(response: Response, script: str) -> Response:
    """An HTML page with the script at the end of its head; what a browser has kept of it is not asked for."""
    body = b"".join([part async for part in response.body_iterator])  # type: ignore[attr-defined]
    changing = {"content-length", "etag", "last-modified"}
    headers = {name: value for name, value in response.headers.items() if name not in changing}
    return Response(body.replace(b"</head>", script.encode() + b"</head>", 1), response.status_code, headers)


def _adapted(create: Callable[[bool], FastAPI]) -> Callable[[bool], FastAPI]:
    def create_ui_app(ephemeral: bool) -> FastAPI:
        app = create(ephemeral)
        policy = content_security_policy(str(PREFECT_UI_API_URL.value()))
        script = explanation(f"{pages}/app" if (pages := os.environ.get("RECEIPTFLOW_PUBLIC_URL")) else "")

        @app.middleware("http")
        async def add_policy(request: Request, call_next: RequestResponseEndpoint) -> Response:
            if "text/html" in request.headers.get("accept", ""):  # pages, which are small: as they are, not compressed
                request.scope["headers"] = [one for one in request.scope["headers"] if one[0] != b"accept-encoding"]
            response = await call_next(request)
            if response.status_code == HTTPStatus.OK and response.headers.get("content-type", "").startswith(
                "text/html"
            ):
                response = await _explained(response, script)
            response.headers["Content-Security-Policy"] = policy
            return response

        return app

    return create_ui_app
