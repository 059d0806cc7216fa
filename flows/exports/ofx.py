"""OFX 2.1.1: one statement for each payment account and currency, told apart by `FITID` by the programs that read it.

Such a program drops what it knows, and with it a correction. So a correction comes as two further transactions: the
former one taken back and the new one; the balance is right again. Source: OFX specification 2.1.1, chapter 11.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from flows.exports.booking import Accounts, book
from flows.exports.errors import ExpenseRefusedError
from flows.exports.protocol import Output
from flows.exports.text import cut, money, one_line
from flows.ledger.exports import ExpenseRow, ExportView, Movement, StatementView

_NAME_CHARACTERS = 32
_MEMO_CHARACTERS = 255
# ACCTID is A-22, and the currency goes behind it: an account has one currency.
_ACCOUNT_CHARACTERS = 18
_HEADER = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<?OFX OFXHEADER="200" VERSION="211" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\n'
)


class OfxNames:
    """Accounts by payment method."""

    def category(self, category: str | None) -> str:
        """None: OFX has no place for it."""
        return ""

    def payment(self, method: str | None) -> str:
        """`receipts-card`."""
        return f"receipts-{method or 'other'}"


class OfxFile:
    """GnuCash, Skrooge, KMyMoney, HomeBank, MoneyMoney and whatever else reads bank statements."""

    name, title = "ofx", "OFX, as a bank's statement"
    names = OfxNames()
    imports_once = False

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """What a statement tells of an expense; a change of anything else is no news to it."""
        booking = book(row, accounts, None)
        if len(booking.account) > _ACCOUNT_CHARACTERS:
            raise ExpenseRefusedError(
                f"OFX takes account names of {_ACCOUNT_CHARACTERS} characters, without the currency behind it: "
                f"{booking.account!r} is longer; name a shorter one under Accounts"
            )
        entry = {
            "date": str(booking.date),
            "account": booking.account,
            "currency": booking.currency,
            "amount": money(booking.amount, booking.currency),
            "payee": booking.payee,
            "memo": one_line(row.receipt_number),
        }
        return {name: value for name, value in entry.items() if value}

    def write(
        self, export: ExportView, statements: Sequence[StatementView], movements: Iterable[Movement], output: Output
    ) -> None:
        """One OFX document. Its times are the export's, so that the same export is the same file."""
        name = f"receiptflow-{export.number:04}.ofx"
        now = export.created_at.astimezone(dt.UTC).strftime("%Y%m%d%H%M%S")
        output.write(name, f"{_HEADER}{_sign_on(now)}{'<BANKMSGSRSV1>' if statements else ''}")
        by_account = groupby(movements, key=lambda one: (one.entry["account"], one.entry["currency"]))
        for statement, (_, moved) in zip(statements, by_account, strict=True):
            output.write(name, _begin(statement))
            for movement in moved:
                output.write(name, _transaction(movement))
            output.write(name, _end(statement, now))
        output.write(name, f"{'</BANKMSGSRSV1>' if statements else ''}</OFX>\n")


def _sign_on(now: str) -> str:
    return (
        "<OFX><SIGNONMSGSRSV1><SONRS><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"
        f"<DTSERVER>{now}</DTSERVER><LANGUAGE>ENG</LANGUAGE></SONRS></SIGNONMSGSRSV1>\n"
    )


def _begin(statement: StatementView) -> str:
    account = escape(f"{statement.account}-{statement.currency}")
    return (
        f"<STMTTRNRS><TRNUID>{account}</TRNUID><STATUS><CODE>0</CODE><SEVERITY>INFO</SEVERITY></STATUS>"
        f"<STMTRS><CURDEF>{statement.currency}</CURDEF>"
        f"<BANKACCTFROM><BANKID>receipts</BANKID><ACCTID>{account}</ACCTID><ACCTTYPE>CHECKING</ACCTTYPE></BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>{_day(statement.first)}</DTSTART><DTEND>{_day(statement.last)}</DTEND>\n"
    )


def _transaction(movement: Movement) -> str:
    entry = movement.entry
    amount = Decimal(entry["amount"]) * (1 if movement.is_reversal else -1)
    kind = "CREDIT" if amount > 0 else "DEBIT"
    payee = escape(cut(entry.get("payee", "Deleted receipt"), _NAME_CHARACTERS))
    memo = f"{'Taken back: ' if movement.is_reversal else ''}{entry.get('memo', '')}".strip()
    note = f"<MEMO>{escape(cut(memo, _MEMO_CHARACTERS))}</MEMO>" if memo else ""
    return (
        f"<STMTTRN><TRNTYPE>{kind}</TRNTYPE><DTPOSTED>{_day(entry['date'])}</DTPOSTED>"
        f"<TRNAMT>{money(amount or abs(amount), entry['currency'])}</TRNAMT><FITID>{movement.id}</FITID>"
        f"<NAME>{payee}</NAME>{note}</STMTTRN>\n"
    )


def _end(statement: StatementView, now: str) -> str:
    balance = -statement.booked
    return (
        f"</BANKTRANLIST><LEDGERBAL><BALAMT>{money(balance or abs(balance), statement.currency)}</BALAMT>"
        f"<DTASOF>{now}</DTASOF></LEDGERBAL></STMTRS></STMTTRNRS>\n"
    )


def _day(day: str) -> str:
    # Noon in GMT is the same day nearly everywhere: a reader that makes local time of it keeps the day.
    return f"{day.replace('-', '')}120000"
