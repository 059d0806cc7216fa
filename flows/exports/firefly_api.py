"""Firefly III by its API: one transaction an expense, found again by `external_id`, which is our id.

The API checks nothing for repeats, so it is asked before anything is written. Source: firefly-iii/firefly-iii,
`app/Api/V1/Requests/Models/Transaction` (what it takes) and `Controllers/Search/TransactionController.php`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import httpx

from flows.exports.booking import Accounts
from flows.exports.errors import BooksRefusedError, BooksUnavailableError
from flows.exports.firefly_csv import FireflyNames, firefly_values
from flows.ledger.exports import ExpenseRow

_TIMEOUT_SECONDS = 30.0
_HEADERS = {"Accept": "application/vnd.api+json", "Content-Type": "application/json"}
_DESCRIPTION_CHARACTERS, _NAME_CHARACTERS = 1000, 255
_SHOWN = 10


class FireflyBooks:
    """The books of whom the token belongs to."""

    name = "firefly"
    names = FireflyNames()

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self._refused: list[str] = []

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """What the books are to have."""
        return {name: value for name, value in firefly_values(row, accounts).items() if value}

    def put(self, public_id: str, entry: dict[str, Any]) -> None:
        """Write it, or change what is there. A refund is a deposit: where it was none before, it is made anew."""
        there, wanted = self._found(public_id), _transaction(public_id, entry)
        if len(there) == 1 and there[0][1] == [wanted["type"]]:
            body = {"apply_rules": False, "transactions": [wanted]}
            self._write(public_id, "PUT", f"/api/v1/transactions/{there[0][0]}", body)
            return
        self.remove(public_id)
        body = {"error_if_duplicate_hash": False, "apply_rules": True, "transactions": [wanted]}
        self._write(public_id, "POST", "/api/v1/transactions", body)

    def remove(self, public_id: str) -> None:
        """Delete it."""
        for group, _ in self._found(public_id):
            self._ask("DELETE", f"/api/v1/transactions/{group}", gone_is_fine=True)

    def flush(self) -> None:
        """Each request is kept by itself; what was refused is told here, when all others have been written.

        Raises:
            BooksRefusedError: The server refused some.
        """
        if self._refused:
            told = "\n  ".join(self._refused[:_SHOWN])
            raise BooksRefusedError(f"Firefly refuses {len(self._refused)} expenses:\n  {told}")

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

    def _write(self, public_id: str, method: str, path: str, body: dict[str, Any]) -> None:
        try:
            self._ask(method, path, json=body)
        except _InvalidError as error:
            self._refused.append(f"expense {public_id}: {error}")

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
def open_firefly(url: str, token: str) -> Iterator[FireflyBooks]:
    """The books on a server.

    Args:
        url: As in the browser, `https://firefly.example`.
        token: A personal access token.
    """
    headers = {**_HEADERS, "Authorization": f"Bearer {token}"}
    with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_SECONDS) as client:
        yield FireflyBooks(client)


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
    return "; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors.items()) or answer.text[:200]


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError as error:
        raise BooksUnavailableError("what answers there is not Firefly's API; correct the address") from error
