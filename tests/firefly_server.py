"""A server that answers as Firefly III's source says, and that fails on purpose.

Written after firefly-iii/firefly-iii: `Requests/Models/Transaction/StoreRequest.php` and `UpdateRequest.php` (what is
refused, with 422), `Validation/TransactionValidation.php` (a withdrawal comes from an asset account that there is, a
deposit goes to one), `Controllers/Search/TransactionController.php` and `OperatorQuerySearch` (the search is by words
where the operator's value is not quoted).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "a token of the tests"
_TYPES = {"withdrawal", "deposit", "transfer", "opening-balance", "reconciliation"}


@dataclass
class Firefly:
    """Its books. The next `failing` writes answer 500, before they are done or, with `after`, when they are."""

    url: str = ""
    assets: set[str] = field(default_factory=lambda: {"Card", "Cash"})
    groups: dict[int, dict[str, Any]] = field(default_factory=dict)
    attachments: dict[int, dict[str, Any]] = field(default_factory=dict)
    failing_uploads: int = 0
    failing: int = 0
    after: bool = False
    writes: int = 0
    _last: int = 0

    def spent(self, currency: str) -> Decimal:
        """What its asset accounts have less."""
        signed = (
            Decimal(one["amount"]) * (1 if one["type"] == "withdrawal" else -1)
            for one in self.groups.values()
            if one["currency_code"] == currency
        )
        return sum(signed, Decimal(0))

    def write(self, method: str, group: int | None, body: Any) -> tuple[int, Any]:
        """One request that changes something."""
        self.writes += 1
        if self.failing > 0:
            self.failing -= 1
            if self.after:
                self._do(method, group, body)
            return 500, {"message": "Internal exception"}
        return self._do(method, group, body)

    def _do(self, method: str, group: int | None, body: Any) -> tuple[int, Any]:
        if group is not None and group not in self.groups:
            return 404, {"message": "Resource not found"}
        if method == "DELETE" and group is not None:
            del self.groups[group]
            for name in [name for name, one in self.attachments.items() if one["attachable_id"] == str(group)]:
                del self.attachments[name]
            return 204, None
        errors = self._errors(body["transactions"])
        if errors:
            return 422, {"message": "The given data was invalid.", "errors": errors}
        if group is None:
            self._last += 1
            group = self._last
        (wanted,) = body["transactions"]
        self.groups[group] = self.groups.get(group, {}) | wanted
        return 200, {"data": self.shown(group)}

    def _errors(self, transactions: list[dict[str, Any]]) -> dict[str, list[str]]:
        errors = {}
        for place, one in enumerate(transactions):
            for name, is_right in (
                ("type", one.get("type") in _TYPES),
                ("date", re.fullmatch(r"\d{4}-\d\d-\d\d", str(one.get("date"))) is not None),
                ("amount", _positive(one.get("amount"))),
                ("foreign_amount", one.get("foreign_amount") is None or _positive(one["foreign_amount"])),
                ("description", 1 <= len(one.get("description") or "") <= 1000),
                ("currency_code", re.fullmatch("[A-Z]{3}", str(one.get("currency_code"))) is not None),
                ("tags", isinstance(one.get("tags"), list) and len(one["tags"]) <= 255),
            ):
                if not is_right:
                    errors[f"transactions.{place}.{name}"] = [f"The {name} is invalid."]
            side = "destination_name" if one.get("type") == "deposit" else "source_name"
            if one.get(side) not in self.assets:
                errors[f"transactions.{place}.{side}"] = ["Could not find a valid account when searching."]
        return errors

    def attach(self, body: dict[str, Any]) -> tuple[int, Any]:
        """An attachment without content as yet; a journal has the id of its group here."""
        if body.get("attachable_type") != "TransactionJournal" or int(body["attachable_id"]) not in self.groups:
            return 422, {"errors": {"attachable_id": ["This ID is invalid."]}}
        name = len(self.attachments) + 1
        self.attachments[name] = body | {"size": 0, "content": b""}
        return 200, {"data": self.shown_attachment(name)}

    def upload(self, name: int, content: bytes) -> tuple[int, Any]:
        """The content of an attachment."""
        if self.failing_uploads:
            self.failing_uploads -= 1
            return 500, {"message": "Internal exception"}
        if not content:
            return 422, {"errors": {"file": ["Empty attachment."]}}
        self.attachments[name] |= {"content": content, "size": len(content)}
        return 204, None

    def shown_attachment(self, name: int) -> dict[str, Any]:
        """As the API shows it."""
        told = {key: value for key, value in self.attachments[name].items() if key != "content"}
        return {"type": "attachments", "id": str(name), "attributes": told}

    def search(self, query: str) -> list[dict[str, Any]]:
        """Groups by `external_id_is`."""
        found = re.fullmatch(r'external_id_is:"([^"]*)"', query)
        assert found, f"the search's grammar would not read {query}"
        return [self.shown(group) for group, one in self.groups.items() if one["external_id"] == found[1]]

    def shown(self, group: int) -> dict[str, Any]:
        """As the API shows a group."""
        journal = self.groups[group] | {"transaction_journal_id": str(group)}
        return {"type": "transactions", "id": str(group), "attributes": {"transactions": [journal]}}


def _positive(value: Any) -> bool:
    try:
        return Decimal(str(value)) > 0
    except InvalidOperation:
        return False


@contextmanager
def running_firefly() -> Iterator[Firefly]:
    """A server while the block runs."""
    books = Firefly()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(length)
            is_json = self.headers.get("Content-Type") == "application/json"
            body = json.loads(raw) if raw and is_json else raw
            url = urlsplit(self.path)
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                self._send(401, {"message": "Unauthenticated."})
            elif self.command == "GET" and url.path == "/api/v1/search/transactions":
                self._send(200, {"data": books.search(parse_qs(url.query)["query"][0])})
            elif self.command == "GET" and url.path == "/api/v1/about":
                self._send(200, {"data": {"version": "6.4.2", "api_version": "6.4.2"}})
            elif self.command == "GET" and url.path == "/api/v1/accounts":
                assert parse_qs(url.query)["type"] == ["asset"]
                shown = [{"type": "accounts", "attributes": {"name": name}} for name in sorted(books.assets)]
                self._send(200, {"data": shown})
            elif found := re.fullmatch(r"/api/v1/transactions/(\d+)/attachments", url.path):
                kept = [name for name, one in books.attachments.items() if one["attachable_id"] == found[1]]
                self._send(200, {"data": [books.shown_attachment(name) for name in kept]})
            elif url.path == "/api/v1/attachments":
                self._send(*books.attach(body))
            elif found := re.fullmatch(r"/api/v1/attachments/(\d+)/upload", url.path):
                self._send(*books.upload(int(found[1]), body))
            elif found := re.fullmatch(r"/api/v1/transactions(?:/(\d+))?", url.path):
                self._send(*books.write(self.command, int(found[1]) if found[1] else None, body))
            else:
                self._send(404, {"message": "Resource not found"})

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815  # http.server's names

        def _send(self, status: int, body: Any) -> None:
            text = b"" if body is None else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    books.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield books
    finally:
        server.shutdown()
        server.server_close()
