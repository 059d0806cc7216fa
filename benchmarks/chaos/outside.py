"""The outside that notifications go to: an HTTP receiver that keeps what arrived, with its time and delivery id."""

from __future__ import annotations

import json
import re
import threading
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

_DELIVERY = re.compile(r"Delivery ([0-9a-f-]{36})")


@dataclass(frozen=True)
class Delivery:
    """One notification that arrived. `at` is in Unix seconds."""

    at: float
    subject: str
    delivery_id: str


class Outside:
    """Listens on 127.0.0.1 while used as a context."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        handler = type("Handler", (_Handler,), {"deliveries": self.deliveries})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)

    @property
    def url(self) -> str:
        """Where to send to."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/"

    def __enter__(self) -> Outside:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    deliveries: ClassVar[list[Delivery]]

    def do_POST(self) -> None:
        """Keep it, then say so: what was sent but not acknowledged counts as arrived."""
        message = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        found = _DELIVERY.search(message["body"])
        self.deliveries.append(Delivery(time.time(), message["subject"], found[1] if found else ""))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Quiet."""
