"""hledger: our id as code and tag. To be included, not imported: `hledger import` loses receipts that come late."""

from __future__ import annotations

from collections.abc import Sequence

from flows.exports.booking import Booking
from flows.exports.plain_text import PlainTextFile
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

    def first_line(self, booking: Booking) -> str:
        """The same without the signs that have a meaning in descriptions."""
        return f"{booking.date} * ({booking.row.public_id}) {booking.payee.translate(_IN_DESCRIPTIONS)}"

    def notes(self, booking: Booking) -> Sequence[str]:
        """A tag on each line."""
        row = booking.row
        tags = {
            "receiptflow": row.public_id,
            "receipt-number": row.receipt_number,
            "category": row.category,
            "notes": row.notes,
            "picture": booking.picture,
        }
        own = [name for tag in row.tags if (name := "-".join(one_line(tag).translate(_IN_TAGS).split()))]
        return [
            *(f"    ; {name}: {one_line(value).translate(_IN_TAGS)}" for name, value in tags.items() if value),
            *(f"    ; {name.replace(':', '-')}:" for name in own),
        ]
