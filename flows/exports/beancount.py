"""Beancount: our id as metadata and link, the picture as metadata, rates as prices.

The accounts that are used are opened in a file of their own, for those who do not open them themselves. The pictures
are documents in a file of their own, to be included by those who have them beside it: Beancount refuses missing ones.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence

from flows.exports.booking import Booking
from flows.exports.errors import ExpenseRefusedError
from flows.exports.plain_text import NAME, PlainTextFile
from flows.exports.text import one_line

# beancount/core/account.py: five roots, parts that begin with a capital or a digit and go on with letters, digits, "-".
_ACCOUNT = re.compile(r"(?:Assets|Liabilities|Equity|Income|Expenses)(?::[^\W\d_a-z][\w\-]*|:\d[\w\-]*)+")
_NOT_IN_TAGS = re.compile(r"[^A-Za-z0-9\-_/.]+")
ACCOUNTS, DOCUMENTS = f"{NAME}-accounts.beancount", f"{NAME}-documents.beancount"
_PIECE_CHARACTERS = 256 * 1024
_KEPT_IN_MEMORY = 1_000_000


class BeancountFile(PlainTextFile):
    """Beancount 2 and 3."""

    name, title = "beancount", "Beancount"
    suffix, comment = "beancount", ";"

    def __init__(self) -> None:
        self._first_used: dict[str, str] = {}
        # One line an expense, for a file that is written behind those of the years; goes with the target.
        self._documents = tempfile.SpooledTemporaryFile(_KEPT_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115

    def check_account(self, account: str) -> None:
        """Refuse what Beancount's grammar refuses.

        Raises:
            ExpenseRefusedError: It would not take it.
        """
        if not _ACCOUNT.fullmatch(account) or "_" in account:
            raise ExpenseRefusedError(
                f"Beancount takes no account {account!r}: it begins with Assets, Liabilities, Equity, Income or "
                "Expenses, and each part with a capital or a digit; name another one under Accounts"
            )

    def transaction(self, booking: Booking) -> str:
        """The same; notes the first day of each account, and the picture for the file of documents."""
        for account in (booking.account, *(posting.account for posting in booking.postings)):
            self._first_used.setdefault(account, str(booking.date))
        if booking.picture:
            told = f"{_string(booking.picture)} ^{booking.row.public_id}"
            self._documents.write(f"{booking.date} document {booking.account} {told}\n")
        return super().transaction(booking)

    def first_line(self, booking: Booking) -> str:
        """Day, payee and category, linked by our id, with the tags."""
        tags = "".join(f" #{tag}" for one in booking.row.tags if (tag := _NOT_IN_TAGS.sub("-", one).strip("-")))
        narration = one_line(booking.row.category)
        return f"{booking.date} * {_string(booking.payee)} {_string(narration)} ^{booking.row.public_id}{tags}"

    def notes(self, booking: Booking) -> Sequence[str]:
        """Metadata; `document` is the key that Fava shows as a link to the file."""
        row = booking.row
        metadata = {
            "receiptflow": row.public_id,
            "receipt_number": row.receipt_number,
            "notes": row.notes,
            "document": booking.picture,
        }
        return [f"  {key}: {_string(one_line(value))}" for key, value in metadata.items() if value]

    def price_line(self, day: str, currency: str, price: str) -> str:
        """A price directive."""
        return f"{day} price {currency} {price}"

    def include(self, name: str) -> str:
        """The line that includes a file."""
        return f'include "{name}"'

    def index(self, names: Sequence[str]) -> Iterable[tuple[str, str]]:
        """The file that includes the years', the one that opens their accounts, and the one of the pictures."""
        opened = "".join(f"{day} open {account}\n" for account, day in sorted(self._first_used.items()))
        yield ACCOUNTS, f"{self.header(ACCOUNTS)}{opened}"
        yield DOCUMENTS, self.header(DOCUMENTS)
        self._documents.seek(0)
        while piece := self._documents.read(_PIECE_CHARACTERS):
            yield DOCUMENTS, piece
        yield from super().index(names)


def _string(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
