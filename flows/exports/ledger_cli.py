"""ledger (ledger-cli.org): our id as code and as `UUID`, by which ledger drops what it has already."""

from __future__ import annotations

from collections.abc import Sequence

from flows.exports.booking import Booking
from flows.exports.plain_text import PlainTextFile
from flows.exports.text import one_line


class LedgerFile(PlainTextFile):
    """ledger 3."""

    name, title = "ledger", "ledger"
    suffix, comment = "ledger", ";"

    def notes(self, booking: Booking) -> Sequence[str]:
        """Notes with a name, and the tags."""
        row = booking.row
        notes = {
            "UUID": row.public_id,
            "Receipt": row.receipt_number,
            "Category": row.category,
            "Notes": row.notes,
            "Picture": booking.picture,
        }
        tags = [tag for one in row.tags if (tag := one_line(one).replace(":", "-").replace(" ", "-"))]
        return [
            *(f"    ; {key}: {one_line(value)}" for key, value in notes.items() if value),
            *((f"    ; :{':'.join(tags)}:",) if tags else ()),
        ]
