"""Firefly III by its API: one transaction an expense, found again by `external_id`, which is our id.

The API checks nothing for repeats, so it is asked before anything is written. The picture is an attachment of the
transaction, known again by its title. Source: firefly-iii/firefly-iii, `app/Api/V1/Requests/Models/Transaction` (what
it takes), `Controllers/Search/TransactionController.php`, `Controllers/Models/Attachment/StoreController.php`.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import httpx

from flows.exports.booking import Accounts
from flows.exports.errors import BooksRefusedError, BooksUnavailableError
from flows.exports.firefly_csv import FireflyNames, firefly_values
from flows.exports.pictures import OpenOriginal, picture_path
from flows.ledger.exports import ExpenseRow, Original

_log = logging.getLogger("receiptflow.exports")
_TIMEOUT_SECONDS = 30.0
_HEADERS = {"Accept": "application/vnd.api+json", "Content-Type": "application/json"}
_DESCRIPTION_CHARACTERS, _NAME_CHARACTERS = 1000, 255
_SHOWN = 10
_ANOTHER = "what answers there is not Firefly's API; correct the address"


class FireflyTarget:
    """What Firefly is told of expenses.

    Args:
        pictures: Whether the pictures go along.
    """

    name, title = "firefly", "Firefly III, on its server"
    names = FireflyNames()

    def __init__(self, *, pictures: bool = False) -> None:
        self._with_pictures = pictures

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """What the books are to have; of the picture its file name, and where it is in its bucket."""
        entry: dict[str, Any] = {name: value for name, value in firefly_values(row, accounts).items() if value}
        if self._with_pictures:
            entry["picture"] = [PurePosixPath(picture_path(row)).name, *row.original]
        return entry


class FireflyBooks(FireflyTarget):
    """The books of whom the token belongs to; with `open_original` the pictures are attached."""

    def __init__(self, client: httpx.Client, open_original: OpenOriginal | None = None) -> None:
        super().__init__(pictures=open_original is not None)
        self._client, self._open_original = client, open_original
        self._refused: list[str] = []

    def describe(self) -> str:
        """Which server answered, and the accounts that can be paid from, for people."""
        try:
            about = self._ask("GET", "/api/v1/about")
            found = self._ask("GET", "/api/v1/accounts", params={"type": "asset", "limit": 100})
            accounts = ", ".join(str(one["attributes"]["name"]) for one in found["data"])
            version = about["data"]["version"]
        except (_InvalidError, KeyError, TypeError) as error:
            raise BooksUnavailableError(_ANOTHER) from error
        told = f"asset accounts: {accounts}" if accounts else "no asset account yet: make one to pay from"
        return f"Firefly III {version}, {told}"

    def put(self, public_id: str, entry: dict[str, Any]) -> None:
        """Write it, or change what is there. A refund is a deposit: where it was none before, it is made anew."""
        there, wanted = self._found(public_id), _transaction(public_id, entry)
        if len(there) == 1 and there[0][1] == [wanted["type"]]:
            body = {"apply_rules": False, "transactions": [wanted]}
            written = self._write(public_id, "PUT", f"/api/v1/transactions/{there[0][0]}", body)
        else:
            self.remove(public_id)
            body = {"error_if_duplicate_hash": False, "apply_rules": True, "transactions": [wanted]}
            written = self._write(public_id, "POST", "/api/v1/transactions", body)
        if written is not None and "picture" in entry and self._open_original is not None:
            name, *original = entry["picture"]
            self._attach(public_id, written["data"], name, self._open_original, Original(*original))

    def remove(self, public_id: str) -> None:
        """Delete it."""
        for group, _ in self._found(public_id):
            self._ask("DELETE", f"/api/v1/transactions/{group}", gone_is_fine=True)

    def flush(self) -> None:
        """Each request is kept by itself."""

    def finish(self) -> None:
        """As `BookServer`."""
        if self._refused:
            told = "\n  ".join(self._refused[:_SHOWN])
            cure = " (an account that it does not find: make it there, or name another one under Accounts)"
            needs = cure if any("_name:" in one for one in self._refused) else ""
            raise BooksRefusedError(f"Firefly refuses {len(self._refused)} expenses{needs}:\n  {told}")

    def _found(self, public_id: str) -> list[tuple[str, list[str]]]:
        """The groups that have our id, with the types of what is in them."""
        # Quoted, since the search's own grammar divides at a colon; and an id that only contains it is another one.
        query = {"query": f'external_id_is:"{public_id}"', "limit": 50}
        answer = self._ask("GET", "/api/v1/search/transactions", params=query)
        found = []
        for group in answer["data"]:
            journals = group["attributes"]["transactions"]
            if any(journal["external_id"] == public_id for journal in journals):
                found.append((str(group["id"]), [str(journal["type"]) for journal in journals]))
        return found

    def _write(self, public_id: str, method: str, path: str, body: dict[str, Any]) -> Any:
        """What the server has written; None if it refuses it."""
        try:
            return self._ask(method, path, json=body)
        except _InvalidError as error:
            self._refused.append(f"expense {public_id}: {error}")
            return None

    def _attach(
        self, public_id: str, group: dict[str, Any], name: str, open_original: OpenOriginal, original: Original
    ) -> None:
        """Attach the picture unless it is: an attachment without content is what a kill has left, and gets it."""
        title = f"receiptflow {original.sha256[:16]}"
        path = f"/api/v1/transactions/{group['id']}/attachments"
        there = [one for one in self._ask("GET", path)["data"] if one["attributes"]["title"] == title]
        if there and there[0]["attributes"]["size"]:
            return
        pieces = open_original(original)
        if pieces is None:
            _log.warning("a picture is gone and not attached", extra={"public_id": public_id})
            return
        if not there:
            journal = group["attributes"]["transactions"][0]["transaction_journal_id"]
            about = {
                "filename": name,
                "title": title,
                "attachable_type": "TransactionJournal",
                "attachable_id": journal,
            }
            made = self._write(public_id, "POST", "/api/v1/attachments", about)
            if made is None:
                return
            there = [made["data"]]
        self._upload(public_id, f"/api/v1/attachments/{there[0]['id']}/upload", b"".join(pieces))

    def _upload(self, public_id: str, path: str, content: bytes) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        try:
            self._ask("POST", path, content=content, headers=headers)
        except _InvalidError as error:
            self._refused.append(f"picture of expense {public_id}: {error}")

    def _ask(self, method: str, path: str, *, gone_is_fine: bool = False, **options: Any) -> Any:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise BooksUnavailableError(f"Firefly does not answer: {error}") from error
        if answer.status_code == httpx.codes.NOT_FOUND and gone_is_fine:
            return None
        if answer.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
            raise _InvalidError(_words(answer))
        if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
            raise BooksRefusedError("Firefly refuses the token; make a personal access token in its profile page")
        if not answer.is_success:
            raise BooksUnavailableError(f"Firefly answers {answer.status_code} to {method} {path}")
        return _json(answer) if answer.content else None


class _InvalidError(Exception):
    """What the server says is wrong with one transaction."""


@contextmanager
def open_firefly(url: str, token: str, open_original: OpenOriginal | None = None) -> Iterator[FireflyBooks]:
    """The books on a server.

    Args:
        url: As in the browser, `https://firefly.example`.
        token: A personal access token.
        open_original: Opens a picture; without it none is attached.
    """
    headers = {**_HEADERS, "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS) as client:
        yield FireflyBooks(client, open_original)


def _transaction(public_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    amount = Decimal(entry["amount"])
    is_refund = amount < 0
    ours, theirs = entry["account"], entry["payee"][:_NAME_CHARACTERS]
    return {
        "type": "deposit" if is_refund else "withdrawal",
        "date": entry["date"],
        "amount": str(abs(amount)),
        "currency_code": entry["currency"],
        "description": entry["payee"][:_DESCRIPTION_CHARACTERS],
        "source_name": theirs if is_refund else ours,
        "destination_name": ours if is_refund else theirs,
        "foreign_amount": entry["foreign_amount"].lstrip("-") if "foreign_amount" in entry else None,
        "foreign_currency_code": entry.get("foreign_currency"),
        "category_name": entry.get("category"),
        "tags": entry["tags"].split(",") if "tags" in entry else [],
        "internal_reference": entry.get("number"),
        "external_id": public_id,
        "notes": entry.get("memo"),
    }


def _words(answer: httpx.Response) -> str:
    errors = _json(answer).get("errors", {})
    return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors.items()) or "no reason is given"


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise BooksUnavailableError(_ANOTHER) from error
