"""The first expenses as a target will see them, without an export being made of it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from itertools import groupby, islice
from typing import Any

from flows.exports.booking import Accounts
from flows.exports.errors import ExpenseRefusedError, Refusal
from flows.exports.protocol import JournalTarget, Named, Telling, WholeTarget
from flows.exports.run import accounts_of, target_for
from flows.ledger.database import Ledger
from flows.ledger.exports import (
    AccountRule,
    ExpenseRow,
    ExportView,
    Movement,
    Period,
    StatementView,
    stream_expenses,
)

PREVIEWED = 10


class _Text:
    """An output that keeps its files in memory."""

    def __init__(self) -> None:
        self.files: dict[str, str] = {}

    def write(self, name: str, text: str) -> None:
        self.files[name] = self.files.get(name, "") + text


def preview(
    ledger: Ledger,
    owner: str,
    name: str,
    *,
    period: Period | None = None,
    since_last: bool = False,
    limit: int = PREVIEWED,
    rules: Sequence[AccountRule] | None = None,
) -> tuple[dict[str, str], list[Refusal]]:
    """The files that the first expenses of a period would make, and which of them would be refused.

    Args:
        ledger: Where the expenses are.
        owner: Whose.
        name: The target's.
        period: Days of purchase.
        since_last: As of `export`.
        limit: How many expenses.
        rules: Accounts to try instead of the owner's own.

    Raises:
        UnknownTargetError: There is no such target.
        WrongOptionError: The target cannot do this.
    """
    target, output = target_for(name, since_last=since_last), _Text()
    rows, accounts = _first(ledger, owner, target, period=period or Period(), limit=limit, rules=rules)
    if isinstance(target, JournalTarget):
        return output.files, _preview_journal(target, owner, rows, accounts, output)
    return output.files, _preview_whole(target, rows, accounts, output)


def preview_entries(
    ledger: Ledger,
    owner: str,
    target: Telling,
    *,
    period: Period | None = None,
    limit: int = PREVIEWED,
    rules: Sequence[AccountRule] | None = None,
) -> tuple[list[dict[str, Any]], list[Refusal]]:
    """What books on a server would be told of the first expenses, and which of them would be refused."""
    rows, accounts = _first(ledger, owner, target, period=period or Period(), limit=limit, rules=rules)
    entries, refusals = [], []
    for row in rows:
        try:
            entries.append(target.entry(row, accounts))
        except ExpenseRefusedError as error:
            refusals.append(Refusal.of(row, str(error)))
    return entries, refusals


def _first(
    ledger: Ledger, owner: str, target: Named, *, period: Period, limit: int, rules: Sequence[AccountRule] | None
) -> tuple[list[ExpenseRow], Accounts]:
    """The first expenses of a period, and the accounts that they go to."""
    with ledger.session() as session:
        accounts = accounts_of(owner, target, session=session) if rules is None else Accounts(rules, target.names)
        stream = stream_expenses(owner, target.name, period, session=session, voided_too=False)
        return list(islice(stream, limit)), accounts


def _preview_whole(target: WholeTarget, rows: list[ExpenseRow], accounts: Accounts, output: _Text) -> list[Refusal]:
    refusals = []
    for row in rows:
        try:
            text, file = target.render(row, accounts), target.file_of(row)
        except ExpenseRefusedError as error:
            refusals.append(Refusal.of(row, str(error)))
            continue
        output.write(file, text if file in output.files else f"{target.header(file)}{text}")
    return refusals


def _preview_journal(
    target: JournalTarget, owner: str, rows: list[ExpenseRow], accounts: Accounts, output: _Text
) -> list[Refusal]:
    refusals, booked = [], []
    for row in rows:
        try:
            booked.append(Movement(row.public_id, 1, False, False, target.entry(row, accounts)))
        except ExpenseRefusedError as error:
            refusals.append(Refusal.of(row, str(error)))
    booked.sort(key=_account)
    target.write(_no_export(owner, target.name), _statements(booked), booked, output)
    return refusals


def _account(movement: Movement) -> tuple[str, str]:
    return movement.entry["account"], movement.entry["currency"]


def _statements(booked: list[Movement]) -> list[StatementView]:
    found = []
    for (account, currency), movements in groupby(booked, key=_account):
        entries: list[dict[str, Any]] = [movement.entry for movement in movements]
        days = [entry["date"] for entry in entries]
        total = sum((Decimal(entry.get("amount", 0)) for entry in entries), Decimal(0))
        found.append(StatementView(account, currency, min(days), max(days), total))
    return found


def _no_export(owner: str, target: str) -> ExportView:
    return ExportView(0, owner, target, 0, None, None, 0, 0, 0, dt.datetime.now(dt.UTC), None)
