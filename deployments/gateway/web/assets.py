"""The pages' own files (styles, scripts, icons): read once, served under an address that holds their hash.

An address with the hash may be kept for ever, since another content has another address.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

PREFIX = "/app"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file. `digest` is the beginning of its SHA-256."""

    body: bytes
    media_type: str
    digest: str


class Assets:
    """All files of this package that browsers get as they are, by their path in it."""

    def __init__(self) -> None:
        self._assets = dict(_read(files("deployments.gateway.web"), ""))

    def url(self, name: str) -> str:
        """The address of a file, for templates.

        Raises:
            KeyError: There is no such file.
        """
        return f"{PREFIX}/static/{self._assets[name].digest}/{name}"

    def media_type(self, name: str) -> str:
        """What kind of file it is, without parameters."""
        return self._assets[name].media_type.partition(";")[0]

    def text(self, name: str) -> str:
        """What a file of text says."""
        return self._assets[name].body.decode()

    async def answer(self, request: Request) -> Response:
        """The file that a request asks for; one with another hash is given, but not for ever."""
        digest, name = request.path_params["digest"], request.path_params["name"]
        asset = self._assets.get(name)
        if asset is None:
            return Response("There is no such file.", 404, media_type="text/plain")
        kept = _FOR_EVER if digest == asset.digest else "no-cache"
        headers: dict[str, Any] = {"Cache-Control": kept, "ETag": f'"{asset.digest}"'}
        return Response(asset.body, headers=headers, media_type=asset.media_type)


def _read(folder: Traversable, path: str) -> Iterator[tuple[str, Asset]]:
    for entry in folder.iterdir():
        name = f"{path}{entry.name}"
        if entry.is_dir():
            yield from _read(entry, f"{name}/")
            continue
        suffix = f".{entry.name.rpartition('.')[2]}"
        if suffix in _TYPES:
            body = entry.read_bytes()
            yield name, Asset(body, _TYPES[suffix], hashlib.sha256(body).hexdigest()[:16])
