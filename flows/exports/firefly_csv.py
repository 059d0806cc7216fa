"""Firefly III through its Data Importer: a CSV, and the importer's own configuration beside it.

The importer drops what has an `external-id` that it knows. So a correction comes as two further rows: the former one
taken back and the new one. Source: firefly-iii/data-importer, `Configuration.php` and `config/csv.php`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from flows.exports.booking import Accounts, book
from flows.exports.csv_file import csv_row
from flows.exports.errors import ExpenseRefusedError
from flows.exports.protocol import Output
from flows.exports.text import money, one_line
from flows.ledger.exports import ExpenseRow, ExportView, Movement, StatementView

# Header and role of each column, in the order of the file. A row without a value leaves its field to the importer.
COLUMNS = {
    "external_id": "external-id",
    "date": "date_transaction",
    "amount": "amount",
    "currency": "currency-code",
    "foreign_amount": "amount_foreign",
    "foreign_currency": "foreign-currency-code",
    "description": "description",
    "account": "account-name",
    "merchant": "opposing-name",
    "category": "category-name",
    "tags": "tags-comma",
    "receipt_number": "internal_reference",
    "notes": "note",
}
CONFIGURATION = "receiptflow-firefly.json"


class FireflyNames:
    """Categories by their names; the asset accounts are named after the payment methods."""

    def category(self, category: str | None) -> str:
        """The category."""
        return one_line(category)

    def payment(self, method: str | None) -> str:
        """`Card`: to be the name of an asset account there."""
        return (method or "Other").capitalize()


class FireflyCsv:
    """The Data Importer's CSV with its JSON."""

    name, title = "firefly-csv", "Firefly III, for its Data Importer"
    names = FireflyNames()
    imports_once = False

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """What a row says."""
        entry = firefly_values(row, accounts)
        return {name: value for name, value in entry.items() if value}

    def write(
        self, export: ExportView, statements: Sequence[StatementView], movements: Iterable[Movement], output: Output
    ) -> None:
        """The CSV, and the configuration that is the same for all."""
        name = f"receiptflow-firefly-{export.number:04}.csv"
        output.write(name, csv_row(COLUMNS))
        for movement in movements:
            output.write(name, _row(movement))
        output.write(CONFIGURATION, f"{json.dumps(configuration(), indent=2)}\n")


def firefly_values(row: ExpenseRow, accounts: Accounts) -> dict[str, str]:
    """An expense in Firefly's words, amounts as spent.

    Where the ledger knows what it was in the owner's currency, that is the amount, and the receipt's the foreign one.
    """
    booking = book(row, accounts, None)
    amount, currency, foreign = booking.amount, booking.currency, False
    if row.home_total is not None and row.home_currency and row.home_currency != booking.currency:
        amount, currency, foreign = row.home_total, row.home_currency, True
    if not amount:
        raise ExpenseRefusedError("its total is zero, and Firefly takes no amount of zero; leave it out")
    return {
        "date": str(booking.date),
        "account": booking.account,
        "currency": currency,
        "amount": money(amount, currency),
        "foreign_amount": money(booking.amount, booking.currency) if foreign else "",
        "foreign_currency": booking.currency if foreign else "",
        "payee": booking.payee,
        "category": accounts.category(row.category),
        "tags": ",".join(tag for one in row.tags if (tag := one_line(one).replace(",", " "))),
        "number": one_line(row.receipt_number),
        "memo": one_line(row.notes),
    }


def configuration() -> dict[str, Any]:
    """The importer's configuration, version 3, as it saves it itself."""
    columns = len(COLUMNS)
    return {
        "version": 3,
        "source": "receiptflow",
        "flow": "file",
        "content_type": "csv",
        "date": "Y-m-d",
        "default_account": 0,
        "delimiter": "comma",
        "headers": True,
        "rules": True,
        "skip_form": False,
        "add_import_tag": False,
        "specifics": [],
        "roles": list(COLUMNS.values()),
        "do_mapping": [False] * columns,
        "mapping": {},
        "duplicate_detection_method": "cell",
        "ignore_duplicate_lines": False,
        "ignore_duplicate_transactions": True,
        "unique_column_index": list(COLUMNS).index("external_id"),
        "unique_column_type": "external-id",
        "map_all_data": False,
        "conversion": False,
    }


def _row(movement: Movement) -> str:
    entry, sign = movement.entry, 1 if movement.is_reversal else -1
    payee = entry.get("payee", "Deleted receipt")
    cells = {
        "external_id": movement.id,
        "date": entry["date"],
        "amount": _signed(entry["amount"], sign, entry["currency"]),
        "currency": entry["currency"],
        "foreign_amount": _signed(entry.get("foreign_amount"), sign, entry.get("foreign_currency", "")),
        "foreign_currency": entry.get("foreign_currency", ""),
        "description": f"{payee}, taken back" if movement.is_reversal else payee,
        "account": entry["account"],
        "merchant": payee,
        "category": entry.get("category", ""),
        "tags": entry.get("tags", ""),
        "receipt_number": entry.get("number", ""),
        "notes": entry.get("memo", ""),
    }
    return csv_row(cells[column] for column in COLUMNS)


def _signed(amount: str | None, sign: int, currency: str) -> str:
    if amount is None:
        return ""
    value = Decimal(amount) * sign
    return money(value or abs(value), currency)
