"""A year for an accountant, as one zip: the CSV, a page for each month, the pictures, and a list of hashes."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator

from flows.exports.csv_file import COLUMNS, CsvFile, cells, csv_row
from flows.exports.errors import WrongOptionError
from flows.exports.month_pages import month_pages
from flows.exports.pictures import OpenOriginal, listed_pictures, picture_members
from flows.exports.run import accounts_of
from flows.exports.zips import Member, zip_stream
from flows.ledger.database import Ledger
from flows.ledger.exports import Period, stream_expenses

# `sha256sum --check` reads it.
HASHES = "SHA256SUMS"
_FIRST_YEAR = 1900


def archive_stream(ledger: Ledger, owner: str, year: int, open_original: OpenOriginal) -> Iterator[bytes]:
    """The zip in pieces.

    Args:
        ledger: Where the expenses are.
        owner: Whose.
        year: Of purchase.
        open_original: Opens a picture.

    Raises:
        WrongOptionError: There is no such year.
    """
    if not _FIRST_YEAR <= year <= dt.date.max.year:
        raise WrongOptionError(f"year: {year} is none")
    return zip_stream(_members(ledger, owner, year, open_original))


def _members(ledger: Ledger, owner: str, year: int, open_original: OpenOriginal) -> Iterator[Member]:
    period, hashes = Period(dt.date(year, 1, 1), dt.date(year, 12, 31)), {}
    table, pages = _tables(ledger, owner, year, period)
    for name, body, is_text in ((f"expenses-{year}.csv", table, True), (f"expenses-{year}.pdf", pages, False)):
        hashes[name] = hashlib.sha256(body).hexdigest()
        yield Member(name, [body], period.last, is_text=is_text)
    with listed_pictures(ledger, owner, period) as pictures:
        for member in picture_members(pictures, open_original):
            hash_ = hashlib.sha256()
            yield member._replace(pieces=_hashed(member, hash_))
            hashes[member.name] = hash_.hexdigest()
    listed = "".join(f"{hash_}  {name}\n" for name, hash_ in sorted(hashes.items()))
    yield Member(HASHES, [listed.encode()], period.last, is_text=True)


def _hashed(member: Member, hash_: hashlib._Hash) -> Iterator[bytes]:
    for piece in member.pieces:
        hash_.update(piece)
        yield piece


def _tables(ledger: Ledger, owner: str, year: int, period: Period) -> tuple[bytes, bytes]:
    """The CSV and the PDF, of one state of the ledger."""
    with ledger.session() as session:
        accounts = accounts_of(owner, CsvFile(), session=session)
        rows = list(stream_expenses(owner, "csv", period, session=session, voided_too=False))
    table = csv_row(COLUMNS) + "".join(csv_row(cells(row, accounts).values()) for row in rows)
    return table.encode(), month_pages(rows, owner, year)
