"""Beancount: our id as metadata and link, the picture as metadata, rates as prices.

The accounts that are used are opened in a file of their own, for those who do not open them themselves.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from flows.exports.booking import Booking
from flows.exports.errors import ExpenseRefusedError
from flows.exports.plain_text import NAME, PlainTextFile, lines_of
from flows.exports.text import one_line

# beancount/core/account.py: five roots, parts that begin with a capital or a digit and go on with letters, digits, "-".
_ACCOUNT = re.compile(r"(?:Assets|Liabilities|Equity|Income|Expenses)(?::[^\W\d_a-z][\w\-]*|:\d[\w\-]*)+")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9\-_/.]+")
ACCOUNTS = f"{NAME}-accounts.beancount"


class BeancountFile(PlainTextFile):
    """Beancount 2 and 3."""

    name, title = "beancount", "Beancount"
    suffix, comment = "beancount", ";"

    def __init__(self) -> None:
        self._first_used: dict[str, str] = {}

    def check_account(self, account: str) -> None:
        """Refuse what Beancount's grammar refuses.

        Raises:
            ExpenseRefusedError: It would not take it.
        """
        if not _ACCOUNT.fullmatch(account) or "_" in account:
            raise ExpenseRefusedError(
                f"Beancount takes no account {account!r}: it begins with Assets, Liabilities, Equity, Income or "
                "Expenses, and each part with a capital or a digit; rename it in your rules"
            )

    def transaction(self, booking: Booking) -> str:
        """A transaction directive, and the price before it. Notes the first day of each account."""
        row = booking.row
        for account in (booking.account, *(posting.account for posting in booking.postings)):
            self._first_used.setdefault(account, str(booking.date))
        tags = "".join(f" #{tag}" for one in row.tags if (tag := _NOT_IN_TAGS.sub("-", one).strip("-")))
        metadata = {
            "receiptflow": row.public_id,
            "receipt_number": row.receipt_number,
            "notes": row.notes,
            "picture": booking.picture,
        }
        lines = [
            *((price,) if (price := self.price(booking)) else ()),
            f"{booking.date} * {_string(booking.payee)} {_string(_narration(booking))} ^{row.public_id}{tags}",
            *(f"  {key}: {_string(one_line(value))}" for key, value in metadata.items() if value),
            *lines_of(self.postings(booking)),
        ]
        return "".join(f"{line}\n" for line in lines)

    def price(self, booking: Booking) -> str | None:
        """A price directive."""
        row = booking.row
        if row.rate is None or row.home_currency in {None, booking.currency}:
            return None
        return f"{booking.date} price {booking.currency} {row.rate:f} {row.home_currency}"

    def include(self, name: str) -> str:
        """The line that includes a file."""
        return f'include "{name}"'

    def index(self, names: Sequence[str]) -> Mapping[str, str]:
        """The file that includes the years', and the one that opens their accounts."""
        opened = "".join(f"{day} open {account}\n" for account, day in sorted(self._first_used.items()))
        return {ACCOUNTS: f"{self.header(ACCOUNTS)}{opened}", **super().index(names)}


def _narration(booking: Booking) -> str:
    return one_line(booking.row.category)


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
