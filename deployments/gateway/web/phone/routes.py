"""The pages as an app on a phone: manifest, service worker, the page without network, what other apps share, and how a
phone gets there.

All but the last tells nothing of anybody, so that browsers can fetch it before somebody is signed in.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from deployments.gateway.context import Context
from deployments.gateway.http.problems import RefusedError
from deployments.gateway.web.assets import PREFIX, Assets
from deployments.gateway.web.hand_in.routes import receive
from deployments.gateway.web.qr import qr_svg
from deployments.gateway.web.templates import go_to, render, text_of
from deployments.gateway.web.visitor import Viewer, find_visitor, public_address
from flows.ledger.access import Role

router = APIRouter(include_in_schema=False)
# What the page without network shows and runs.
_SHELL = ("static/app.css", "static/app.js", "static/waiting.js", "static/hand-in.js", "static/htmx-2.0.11.min.js",
          "static/icons.svg", "static/icon.svg")  # fmt: skip
_WORKER = "static/service-worker.js"
_ICONS = (("static/icon-192.png", "192x192", "any"), ("static/icon-512.png", "512x512", "any"),
          ("static/icon-maskable-512.png", "512x512", "maskable"), ("static/icon.svg", "any", "any"))  # fmt: skip
_SHARED_TYPES = ["image/*", "application/pdf", "text/html", "text/plain", "text/xml", "application/xml"]
# As `--paper` and `--accent` in app.css.
_BACKGROUND, _THEME = "#f6f5f2", "#0f6b64"


@router.get("/manifest.webmanifest")
async def get_manifest(request: Request) -> Response:
    """What a browser needs to install the pages as an app (W3C Web Application Manifest, Web Share Target)."""
    assets: Assets = request.app.state.assets
    icons = [
        {"src": assets.url(name), "sizes": sizes, "type": assets.media_type(name), "purpose": purpose}
        for name, sizes, purpose in _ICONS
    ]
    manifest: dict[str, Any] = {
        "id": f"{PREFIX}/",
        "name": "receiptflow",
        "short_name": "receiptflow",
        "description": text_of(request, "Hand in receipts"),
        "start_url": f"{PREFIX}/hand-in",
        "scope": f"{PREFIX}/",
        "display": "standalone",
        "background_color": _BACKGROUND,
        "theme_color": _THEME,
        "icons": icons,
        "shortcuts": [
            {"name": text_of(request, "Hand in"), "url": f"{PREFIX}/hand-in"},
            {"name": text_of(request, "Review"), "url": f"{PREFIX}/review"},
        ],
        "share_target": {
            "action": f"{PREFIX}/share",
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"files": [{"name": "file", "accept": _SHARED_TYPES}]},
        },
    }
    return Response(json.dumps(manifest, ensure_ascii=False), media_type="application/manifest+json")


@router.get("/service-worker.js")
async def get_service_worker(request: Request) -> Response:
    """The service worker with what it keeps; another release's is another text, which browsers notice."""
    assets: Assets = request.app.state.assets
    shell = [assets.url(name) for name in _SHELL]
    version = hashlib.sha256(json.dumps([*shell, assets.url(_WORKER)]).encode()).hexdigest()[:16]
    head = (
        f"const VERSION = {json.dumps(version)}, SHELL = {json.dumps(shell)};\n"
        f"importScripts({json.dumps(assets.url('static/waiting.js'))});\n"
    )
    return Response(head + assets.text(_WORKER), media_type="text/javascript; charset=utf-8")


@router.get("/offline")
async def get_offline(request: Request, context: Context) -> Response:
    """What the service worker shows where there is no network: files are chosen, and wait."""
    return render(request, "phone/offline.html", most_bytes=context.settings.max_upload_bytes)


@router.get("/phone")
async def get_phone(request: Request, visitor: Viewer, context: Context) -> Response:  # noqa: ARG001  # admits
    """The address for other devices, and what makes them trust it."""
    address = public_address(request)
    picture = qr_svg(f"{address}{PREFIX}/", address) if address else None
    own = context.settings.tls_authority is not None
    return render(request, "phone/page.html", address=address, picture=picture, own_certificate=own)


@router.get("/certificate")
async def get_certificate(context: Context) -> Response:
    """The authority that signed this address's certificate, for a device to trust: no secret."""
    file = context.settings.tls_authority
    if file is None:
        raise RefusedError(404, "This address has a certificate that devices trust already, or none.")
    headers = {"Content-Disposition": 'attachment; filename="receiptflow.crt"'}
    body = await asyncio.to_thread(file.read_bytes)
    return Response(body, media_type="application/x-x509-ca-cert", headers=headers)


@router.get("/share")
async def get_share() -> Response:
    """A reload after sharing."""
    return go_to("/hand-in")


@router.post("/share")
async def share(request: Request, context: Context) -> Response:
    """Files from another app where the service worker, which would have kept them, was not there.

    A page cannot send what the browser itself sends: `Sec-Fetch-Site: none`. Anything else is refused.
    """
    if request.headers.get("sec-fetch-site") != "none":
        raise RefusedError(403, "Share from another app, or hand in on the page.")
    visitor = await find_visitor(request)
    if visitor is None:
        raise RefusedError(401, "Nobody is signed in here, so nothing was taken in. Sign in, and share again.")
    if not visitor.may(Role.REVIEWER):
        raise RefusedError(403, "As a viewer you see receipts; handing in needs the role reviewer.")
    request.state.visitor = visitor
    return go_to("/hand-in", (await receive(request, context, visitor)).words)
