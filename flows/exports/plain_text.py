"""What Beancount, ledger and hledger share: a file for each year, ours alone, and one that includes them all.

The user's own file includes ours. It is written whole each time, so that a correction, a deletion and a late receipt
are in it as if they had always been so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from flows.exports.booking import Accounts, Booking, book
from flows.exports.errors import ExpenseRefusedError
from flows.exports.pictures import picture_path
from flows.exports.text import account_part, money
from flows.ledger.exports import ExpenseRow

NAME = "receiptflow"
_CATEGORIES = "Expenses"
_METHODS = {"card": "Liabilities:Card", "cash": "Assets:Cash", "transfer": "Assets:Bank", "cheque": "Assets:Bank"}


class AccountTree:
    """`Expenses:Groceries`, `Liabilities:Card`: names that all three programs take."""

    def category(self, category: str | None) -> str:
        """Below `Expenses`; parts of a category that a colon or a slash divides go one below the other."""
        if category is None:
            return f"{_CATEGORIES}:Uncategorized"
        parts = [part for part in category.replace("/", ":").split(":") if part.strip()]
        return ":".join((_CATEGORIES, *map(account_part, parts or ["Uncategorized"])))

    def payment(self, method: str | None) -> str:
        """Below `Assets`, but a card, which is a debt."""
        return _METHODS.get(method or "") or f"Assets:{account_part(method or 'Unknown')}"


class PlainTextFile:
    """One program's journal. What differs is how it writes an expense."""

    suffix: str
    comment: str
    names = AccountTree()
    needs_whole_years = True

    def render(self, row: ExpenseRow, accounts: Accounts) -> str:
        """One transaction with an empty line behind it."""
        booking = book(row, accounts, picture_path(row))
        for account in (booking.account, *(posting.account for posting in booking.postings)):
            self.check_account(account)
        return f"{self.transaction(booking)}\n"

    def transaction(self, booking: Booking) -> str:
        """One transaction as the program reads it, and the price before it."""
        lines = [
            *self.prices(booking),
            self.first_line(booking),
            *self.notes(booking),
            *lines_of(self.postings(booking)),
        ]
        return "".join(f"{line}\n" for line in lines)

    def first_line(self, booking: Booking) -> str:
        """Day, id and payee of a cleared transaction."""
        return f"{booking.date} * ({booking.row.public_id}) {booking.payee}"

    def notes(self, booking: Booking) -> Sequence[str]:
        """The lines below it that tell of the receipt."""
        raise NotImplementedError

    def check_account(self, account: str) -> None:
        """Refuse a name of an account that the program would not read as one.

        Raises:
            ExpenseRefusedError: It would not.
        """
        if "  " in account or "\t" in account or not account.strip(":") or account[0] in "([;*!#%|~=" or ";" in account:
            raise ExpenseRefusedError(f"the account {account!r} cannot be one here; name another one under Accounts")

    def prices(self, booking: Booking) -> Sequence[str]:
        """The rate of an expense in another currency than the owner's, where the ledger knows it."""
        row = booking.row
        if row.rate is None or row.home_currency in {None, booking.currency}:
            return ()
        return (self.price_line(str(booking.date), booking.currency, f"{row.rate:f} {row.home_currency}"),)

    def price_line(self, day: str, currency: str, price: str) -> str:
        """What a unit of a currency was worth on a day."""
        return f"P {day} {currency} {price}"

    def include(self, name: str) -> str:
        """The line that includes a file."""
        return f"include {name}"

    def file_of(self, row: ExpenseRow) -> str:
        """The file of its year."""
        if row.purchase_date is None:
            raise ExpenseRefusedError("it has no date; correct it")
        return f"{NAME}-{row.purchase_date.year:04}.{self.suffix}"

    def header(self, name: str) -> str:
        """Whose file it is."""
        return (
            f"{self.comment} Written by receiptflow, which writes it anew at each export: include it, do not change it."
            f"\n{self.preamble()}\n"
        )

    def preamble(self) -> str:
        """Directives that each file begins with."""
        return ""

    def index(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """The file that includes those of the years."""
        name = f"{NAME}.{self.suffix}"
        yield name, self.header(name) + "".join(f"{self.include(one)}\n" for one in names)

    def postings(self, booking: Booking) -> list[tuple[str, str]]:
        """Accounts with amounts, that paid from last."""
        rows = [(posting.account, amount_of(posting.amount, booking)) for posting in booking.postings]
        return [*rows, (booking.account, amount_of(-booking.amount, booking))]


def amount_of(amount: Decimal, booking: Booking) -> str:
    """An amount with its currency; zero without a sign."""
    return f"{money(amount or abs(amount), booking.currency)} {booking.currency}"


def lines_of(postings: Sequence[tuple[str, str]]) -> list[str]:
    """Postings; two spaces divide an account from its amount."""
    return [f"    {account}  {amount}" for account, amount in postings]
