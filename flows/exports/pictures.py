"""Under which paths the pictures of expenses go along: sorted by day, with the merchant's name, no two the same."""

from __future__ import annotations

from pathlib import PurePosixPath

from flows.exports.text import slug
from flows.ledger.exports import ExpenseRow

FOLDER = "receipts"
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/tiff": ".tif",
    "application/pdf": ".pdf",
}
_LONGEST_SUFFIX = 6


def picture_path(row: ExpenseRow) -> str:
    """The path of an expense's original: `receipts/2026/2026-11-20_markt-am-eck_rf-….jpg`."""
    day = str(row.purchase_date or "undated")
    name = "_".join(part for part in (day, slug(row.merchant), row.public_id) if part)
    return f"{FOLDER}/{day[:4] if row.purchase_date else day}/{name}{_suffix(row)}"


def _suffix(row: ExpenseRow) -> str:
    known = _SUFFIXES.get(row.original.media_type)
    own = PurePosixPath(row.original.key).suffix.lower()
    fits = own[1:].isascii() and own[1:].isalnum() and len(own) <= _LONGEST_SUFFIX
    return known or (own if fits else ".bin")
