"""The API's documentation at `/docs`: Swagger UI from the installed files, so that it works without network."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

router = APIRouter(include_in_schema=False)
_TYPES = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
# Swagger UI writes style attributes and has its icons as data.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>receiptflow API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/docs/swagger-ui.css"></head>
<body><main id="swagger-ui"></main>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script></body></html>
"""
_START = """SwaggerUIBundle({ url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null,
  layout: "BaseLayout", presets: [SwaggerUIBundle.presets.apis, SwaggerUIBundle.SwaggerUIStandalonePreset] });
"""


@router.get("/docs", response_class=HTMLResponse)
async def get_docs() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/docs/start.js")
async def get_start() -> Response:
    """What starts it."""
    return Response(_START, media_type="text/javascript")


@router.get("/docs/{name}")
async def get_file(name: str) -> Response:
    """One of Swagger UI's files."""
    if name not in _TYPES:
        return Response("There is no such file.", 404, media_type="text/plain")
    body = files("fastapi_offline").joinpath("static", name).read_bytes()
    return Response(body, media_type=_TYPES[name], headers={"Cache-Control": "public, max-age=86400"})
