"""Actual Budget by its server: one transaction an expense, found again by `financial_id`, which is our id.

Needs the extra `receiptflow[actual]`. Actual has one currency and two decimal places: other currencies come in the
owner's own where the ledger knows the rate.
"""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from flows.domain.errors import ConfigurationError
from flows.exports.booking import Accounts, book
from flows.exports.errors import BooksRefusedError, BooksUnavailableError, ExpenseRefusedError
from flows.exports.firefly_csv import FireflyNames
from flows.exports.text import decimal_places, one_line
from flows.ledger.exports import ExpenseRow

_PLACES = 2


class ActualTarget:
    """What a budget in this currency is told of expenses."""

    name, title = "actual", "Actual Budget, on its server"
    names = FireflyNames()

    def __init__(self, currency: str) -> None:
        self._currency = currency

    def entry(self, row: ExpenseRow, accounts: Accounts) -> dict[str, Any]:
        """What the budget is to have."""
        booking = book(row, accounts, None)
        parts = [[one.account, str(-one.amount)] for one in booking.postings]
        amount = booking.amount
        if booking.currency != self._currency:
            if row.home_total is None or row.home_currency != self._currency:
                raise ExpenseRefusedError(
                    f"the budget is in {self._currency}, it is in {booking.currency}, and no rate is known for its day"
                )
            amount, parts = row.home_total, [[accounts.category(row.category), str(-row.home_total)]]
        if any(decimal_places(Decimal(part)) > _PLACES for _, part in parts):
            raise ExpenseRefusedError("Actual has two decimal places, and its total has more; leave it out")
        return {
            "date": str(booking.date),
            "account": booking.account,
            "currency": self._currency,
            "amount": str(amount),
            "payee": booking.payee,
            "memo": one_line(row.notes),
            "parts": parts,
        }


class ActualBooks(ActualTarget):
    """One opened budget. `currency` is what its amounts are in."""

    def __init__(self, opened: Any, currency: str) -> None:
        super().__init__(currency)
        self._opened = opened

    def describe(self) -> str:
        """What was opened, for people."""
        from actual import queries  # noqa: PLC0415  # an extra

        accounts = [str(account.name) for account in queries.get_accounts(self._opened.session)]
        return f"budget {self._opened.file.name}, {_listed(accounts)}"

    def put(self, public_id: str, entry: dict[str, Any]) -> None:
        """Write it anew where it says something else; Actual's own marks (cleared, reconciled) stay."""
        from actual import queries  # noqa: PLC0415  # an extra

        session = self._opened.session
        there = self._found(public_id)
        keep = there[0] if there else None
        if keep is not None and not keep.is_parent and len(entry["parts"]) == 1 and len(there) == 1:
            self._update(keep, entry)
            return
        self._delete(there)
        account = queries.get_or_create_account(session, entry["account"])
        made = queries.create_transaction(
            session,
            dt.date.fromisoformat(entry["date"]),
            account,
            entry["payee"],
            entry["memo"],
            self._category(entry["parts"][0][0]) if len(entry["parts"]) == 1 else None,
            -Decimal(entry["amount"]),
            imported_id=public_id,
            imported_payee=entry["payee"],
        )
        if len(entry["parts"]) > 1:
            self._split(made, entry["parts"])

    def remove(self, public_id: str) -> None:
        """Delete it with its parts."""
        self._delete(self._found(public_id))

    def flush(self) -> None:
        """Send what changed; the server keeps a change that it has already once."""
        with server_errors():
            self._opened.commit()

    def finish(self) -> None:
        """It refuses none by itself."""

    def _found(self, public_id: str) -> list[Any]:
        from actual.database import Transactions  # noqa: PLC0415  # an extra
        from sqlmodel import select  # noqa: PLC0415

        query = select(Transactions).where(
            Transactions.financial_id == public_id, Transactions.tombstone == 0, Transactions.is_child == 0
        )
        return list(self._opened.session.exec(query).all())

    def _update(self, there: Any, entry: dict[str, Any]) -> None:
        from actual import queries  # noqa: PLC0415  # an extra

        session = self._opened.session
        category = self._category(entry["parts"][0][0])
        there.acct = queries.get_or_create_account(session, entry["account"]).id
        there.payee_id = queries.get_or_create_payee(session, entry["payee"]).id
        there.category_id = category.id if category else None
        there.notes = entry["memo"] or None
        there.set_date(dt.date.fromisoformat(entry["date"]))
        there.set_amount(-Decimal(entry["amount"]))

    def _split(self, parent: Any, parts: list[list[str]]) -> None:
        from actual import queries  # noqa: PLC0415  # an extra

        parent.is_parent, parent.category_id = 1, None
        for name, amount in parts:
            split = queries.create_split(self._opened.session, parent, Decimal(amount))
            category = self._category(name)
            split.category_id = category.id if category else None

    def _category(self, name: str) -> Any:
        from actual import queries  # noqa: PLC0415  # an extra

        return queries.get_or_create_category(self._opened.session, name, "Receipts") if name else None

    def _delete(self, there: list[Any]) -> None:
        for one in there:
            for split in one.splits or ():
                split.delete()
            one.delete()


def _listed(accounts: list[str]) -> str:
    return f"accounts: {', '.join(accounts)}" if accounts else "no accounts yet: they are made as they are needed"


@contextmanager
def open_actual(
    url: str, password: str, budget: str, currency: str, encryption_password: str = ""
) -> Iterator[ActualBooks]:
    """The budget of this name (or sync id) on a server; its copy here goes at the end.

    Raises:
        ConfigurationError: The extra is not installed.
        BooksRefusedError: The password or the budget is not the server's.
        BooksUnavailableError: The server does not answer.
    """
    try:
        from actual import Actual  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise ConfigurationError("exports to Actual need its library: pip install 'receiptflow[actual]'") from error
    with tempfile.TemporaryDirectory(prefix="receiptflow-actual-") as folder:
        with server_errors():
            opened = Actual(
                base_url=url,
                password=password,
                file=budget,
                encryption_password=encryption_password or None,
                data_dir=folder,
            )
            opened.__enter__()
        try:
            yield ActualBooks(opened, currency)
        finally:
            opened.__exit__(None, None, None)


@contextmanager
def server_errors() -> Iterator[None]:
    """The library's errors as ours."""
    import httpx  # noqa: PLC0415
    from actual.exceptions import ActualError  # noqa: PLC0415  # an extra

    try:
        yield
    except (httpx.TransportError, httpx.HTTPStatusError, OSError) as error:
        raise BooksUnavailableError(f"Actual's server did not answer as needed: {error}") from error
    except ActualError as error:
        raise BooksRefusedError(f"Actual's server refuses: {error}; correct address, password or budget") from error
