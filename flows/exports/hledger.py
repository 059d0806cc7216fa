"""hledger: our id as code and tag. To be included, not imported: `hledger import` loses receipts that come late."""

from __future__ import annotations

from flows.exports.booking import Booking
from flows.exports.plain_text import PlainTextFile, lines_of
from flows.exports.text import one_line

# In a description ";" begins a comment and "|" divides payee and note; in a tag's value "," ends it.
_IN_DESCRIPTIONS = str.maketrans({";": ",", "|": "/"})
_IN_TAGS = str.maketrans({",": ";"})


class HledgerFile(PlainTextFile):
    """hledger 1.19 and newer."""

    name, title = "hledger", "hledger"
    suffix, comment = "journal", ";"

    def preamble(self) -> str:
        """What divides cents: without it 1.234 KWD could be read as more than a thousand."""
        return "decimal-mark .\n"

    def transaction(self, booking: Booking) -> str:
        """A cleared transaction with a tag on each line below it, and the price before it."""
        row = booking.row
        tags = {
            "receiptflow": row.public_id,
            "receipt-number": row.receipt_number,
            "category": row.category,
            "notes": row.notes,
            "picture": booking.picture,
        }
        own = [name for tag in row.tags if (name := "-".join(one_line(tag).translate(_IN_TAGS).split()))]
        lines = [
            *((price,) if (price := self.price(booking)) else ()),
            f"{booking.date} * ({row.public_id}) {booking.payee.translate(_IN_DESCRIPTIONS)}",
            *(f"    ; {name}: {one_line(value).translate(_IN_TAGS)}" for name, value in tags.items() if value),
            *(f"    ; {name.replace(':', '-')}:" for name in own),
            *lines_of(self.postings(booking)),
        ]
        return "".join(f"{line}\n" for line in lines)

    def price(self, booking: Booking) -> str | None:
        """A `P` directive."""
        row = booking.row
        if row.rate is None or row.home_currency in {None, booking.currency}:
            return None
        return f"P {booking.date} {booking.currency} {row.rate:f} {row.home_currency}"
