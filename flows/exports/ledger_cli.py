"""ledger (ledger-cli.org): our id as code and as `UUID`, by which ledger drops what it has already."""

from __future__ import annotations

from flows.exports.booking import Booking
from flows.exports.plain_text import PlainTextFile, lines_of
from flows.exports.text import one_line


class LedgerFile(PlainTextFile):
    """ledger 3."""

    name, title = "ledger", "ledger"
    suffix, comment = "ledger", ";"

    def transaction(self, booking: Booking) -> str:
        """A cleared transaction with its notes below it, and the price before it."""
        row = booking.row
        notes = {
            "UUID": row.public_id,
            "Receipt": row.receipt_number,
            "Category": row.category,
            "Notes": row.notes,
            "Picture": booking.picture,
        }
        tags = [tag for one in row.tags if (tag := one_line(one).replace(":", "-").replace(" ", "-"))]
        lines = [
            *((price,) if (price := self.price(booking)) else ()),
            f"{booking.date} * ({row.public_id}) {booking.payee}",
            *(f"    ; {key}: {one_line(value)}" for key, value in notes.items() if value),
            *((f"    ; :{':'.join(tags)}:",) if tags else ()),
            *lines_of(self.postings(booking)),
        ]
        return "".join(f"{line}\n" for line in lines)

    def price(self, booking: Booking) -> str | None:
        """A `P` directive."""
        row = booking.row
        if row.rate is None or row.home_currency in {None, booking.currency}:
            return None
        return f"P {booking.date} {booking.currency} {row.rate:f} {row.home_currency}"
