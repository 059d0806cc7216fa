"""An importer for beangulp, for those who keep transactions in their own file rather than include ours.

It knows what is there by our id, not by likeness. What is known already is handed over as a duplicate, which beangulp
writes as a comment; so is a corrected expense, with `changed: TRUE`, for a person to change their own entry by it. Used
in an import script of the user's: `beangulp.Ingest([ReceiptflowImporter("Liabilities:Card")])()`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import beangulp
from beancount.core.data import Transaction
from beancount.parser import parser
from beangulp.extract import DUPLICATE

_ID = "receiptflow"
_OURS = "Written by receiptflow"


class ReceiptflowImporter(beangulp.Importer):  # type: ignore[misc]  # beangulp has no types
    """Takes `receiptflow-2026.beancount`.

    Args:
        account: Under which beangulp files the document.
    """

    def __init__(self, account: str) -> None:
        self._account = account

    def identify(self, filepath: str) -> bool:
        """Whether it is a file of ours with transactions."""
        path = Path(filepath)
        if path.suffix != ".beancount" or not path.stem.removeprefix("receiptflow-").isdigit():
            return False
        with path.open(encoding="utf-8", errors="replace") as file:
            return _OURS in file.readline()

    def account(self, filepath: str) -> str:
        """The account of the document."""
        return self._account

    def extract(self, filepath: str, existing: list[Any]) -> list[Any]:
        """The transactions, as they are in the file."""
        entries, errors, _ = parser.parse_file(filepath)
        if errors:
            raise ValueError(f"{filepath} is not what receiptflow wrote: {errors[0].message}")
        return [entry for entry in entries if isinstance(entry, Transaction)]

    def deduplicate(self, entries: list[Any], existing: list[Any]) -> None:
        """Mark what is there by its id."""
        known = {entry.meta[_ID]: entry for entry in existing if isinstance(entry, Transaction) and _ID in entry.meta}
        for entry in entries:
            there = known.get(entry.meta[_ID])
            if there is not None:
                entry.meta[DUPLICATE] = there
                if _values(there) != _values(entry):
                    entry.meta["changed"] = True


def _values(entry: Any) -> tuple[Any, ...]:
    return entry.date, entry.payee, sorted((posting.account, posting.units) for posting in entry.postings)
