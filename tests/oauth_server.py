"""A server that hands out access tokens (RFC 6749) and tells a mail server whose they are (RFC 7662)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs


@dataclass
class OAuthServer:
    """Takes each refresh token once, and gives the next one with the access token."""

    url: str = ""
    user: str = "receipts"
    secret: str = "a secret of the tests"
    refresh_token: str = "first"
    tokens: set[str] = field(default_factory=set)
    status: int = 200

    def grant(self, form: dict[str, str]) -> tuple[int, dict[str, str]]:
        """The answer to who asks for a token."""
        if self.status != 200:
            return self.status, {}
        if form.get("client_secret") != self.secret or form.get("client_id") != "receiptflow":
            return 401, {"error": "invalid_client"}
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != self.refresh_token:
                return 400, {"error": "invalid_grant", "error_description": "The refresh token has expired."}
            self.refresh_token += "+"
        token = f"token-{len(self.tokens)}"
        self.tokens.add(token)
        return 200, {"access_token": token, "token_type": "Bearer", "refresh_token": self.refresh_token}


@contextmanager
def running_oauth() -> Iterator[OAuthServer]:
    """A server while the block runs."""
    made = OAuthServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # http.server's name
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            if self.path == "/token":
                self._send(*made.grant(form))
            else:
                known = form.get("token") in made.tokens
                self._send(200, {"active": "true", "username": made.user} if known else {"active": "false"})

        def _send(self, status: int, body: dict[str, str]) -> None:
            text = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
