"""The page at `/`: take or choose photos, send them straight to the bucket, watch them become expenses."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from deployments.version import installed_version

router = APIRouter(include_in_schema=False)
_PACKAGED = files("deployments.gateway.web").joinpath("page.html").read_text(encoding="utf-8")
_HTML = _PACKAGED.replace("{version}", escape(installed_version()))


def _policy(html: str) -> str:
    """Allows exactly the page's own script and style; connections anywhere, since the bucket may be elsewhere."""
    allowed = {}
    for tag in ("script", "style"):
        inline = re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in inline]
        allowed[tag] = " ".join(f"'sha256-{one}'" for one in hashes)
    return (
        f"default-src 'none'; script-src {allowed['script']}; style-src {allowed['style']}; img-src blob: data:; "
        "connect-src *; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


_HEADERS = {"Content-Security-Policy": _policy(_HTML), "Cache-Control": "no-cache"}


@router.get("/", response_class=HTMLResponse)
async def get_page() -> HTMLResponse:
    """The page itself holds nothing of anybody; what it asks for needs a key."""
    return HTMLResponse(_HTML, headers=_HEADERS)
