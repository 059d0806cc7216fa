"""QIF: read by everything, remembered by nothing. Each export brings only what came since, to be imported once.

A correction comes as two entries: the former one taken back and the new one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any

from flows.exports.booking import Accounts, book
from flows.exports.protocol import Output
from flows.exports.text import money, one_line
from flows.ledger.exports import ExpenseRow, ExportView, Movement, StatementView


class QifNames:
    """Categories by their names, accounts by payment method."""

    def category(self, category: str | None) -> str:
        """The category, with QIF's colon between it and what it belongs to; brackets would make it an account."""
        return one_line(category).replace("/", ":").strip("[]")

    def payment(self, method: str | None) -> str:
        """`Card`."""
        return (method or "Other").capitalize()


class QifFile:
    """One account list for each payment account and currency."""

    name, title = "qif", "QIF, to be imported once"
    names = QifNames()
    imports_once = True

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """What an entry says, its splits by category and tax account included."""
        booking = book(row, accounts, None)
        entry = {
            "date": str(booking.date),
            "account": booking.account,
            "currency": booking.currency,
            "amount": money(booking.amount, booking.currency),
            "payee": booking.payee,
            "number": one_line(row.receipt_number),
            "memo": one_line(row.notes),
            "splits": [[one.account, money(one.amount, booking.currency)] for one in booking.postings],
        }
        return {name: value for name, value in entry.items() if value}

    def write(
        self, export: ExportView, statements: Sequence[StatementView], movements: Iterable[Movement], output: Output
    ) -> None:
        """One file, its number in its name so that nobody imports it a second time unawares."""
        name = f"receiptflow-{export.number:04}-import-once.qif"
        output.write(name, "")
        for (account, currency), moved in groupby(
            movements, key=lambda one: (one.entry["account"], one.entry["currency"])
        ):
            output.write(name, f"!Account\nN{account} {currency}\nTBank\n^\n!Type:Bank\n")
            for movement in moved:
                output.write(name, _entry(movement))


def _entry(movement: Movement) -> str:
    entry, sign = movement.entry, 1 if movement.is_reversal else -1
    year, month, day = entry["date"].split("-")
    memo = f"{movement.id}{' taken back' if movement.is_reversal else ''} {entry.get('memo', '')}".strip()
    splits = entry["splits"]
    fields = [
        f"D{month}/{day}/{year}",
        f"T{_signed(entry['amount'], sign, entry['currency'])}",
        *((f"N{entry['number']}",) if "number" in entry else ()),
        f"P{entry.get('payee', 'Deleted receipt')}",
        f"M{memo}",
        *((f"L{splits[0][0]}",) if splits[0][0] else ()),
    ]
    if len(splits) > 1:
        for account, amount in splits:
            fields += [f"S{account}", f"${_signed(amount, sign, entry['currency'])}"]
    return "".join(f"{field}\n" for field in (*fields, "^"))


def _signed(amount: str, sign: int, currency: str) -> str:
    value = Decimal(amount) * sign
    return money(value or abs(value), currency)
