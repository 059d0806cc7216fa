"""Under which paths the pictures of expenses go along: sorted by day, with the merchant's name, no two the same."""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from flows.exports.text import slug
from flows.exports.zips import Member
from flows.ledger.database import Ledger
from flows.ledger.exports import ExpenseRow, Original, Period, stream_expenses

# The pieces of an original; None where it is gone.
OpenOriginal = Callable[[Original], Iterable[bytes] | None]
FOLDER = "receipts"
_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/tiff": ".tif",
    "application/pdf": ".pdf",
    "application/xml": ".xml",
    "text/html": ".html",
    "text/plain": ".txt",
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


class Picture(NamedTuple):
    """An expense's original, and the path that it goes along under."""

    path: str
    day: dt.date | None
    original: Original


@contextmanager
def listed_pictures(ledger: Ledger, owner: str, period: Period) -> Iterator[Iterator[Picture]]:
    """The pictures of a period's expenses, by path, each once; parts of one picture are expenses of their own.

    The list waits on the disk: nobody who reads pictures slowly keeps a transaction open, or the list in memory.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        with ledger.session() as session:
            for row in stream_expenses(owner, "", period, session=session, voided_too=False):
                file.write(json.dumps([picture_path(row), str(row.purchase_date or ""), *row.original]) + "\n")
        file.seek(0)
        yield map(_listed, file)


def _listed(line: str) -> Picture:
    path, day, *original = json.loads(line)
    return Picture(path, dt.date.fromisoformat(day) if day else None, Original(*original))


def picture_members(pictures: Iterable[Picture], open_original: OpenOriginal) -> Iterator[Member]:
    """The pictures as files of an archive; of those that are gone a list."""
    gone = []
    for picture in pictures:
        pieces = open_original(picture.original)
        if pieces is None:
            gone.append(picture.path)
        else:
            yield Member(picture.path, pieces, picture.day)
    if gone:
        yield Member("missing.txt", ["".join(f"{path}\n" for path in gone).encode()], is_text=True)


def write_pictures(pictures: Iterable[Picture], open_original: OpenOriginal, folder: Path) -> tuple[int, list[str]]:
    """Put pictures beside the files that name them. One that is there is left; how many came, and which are gone."""
    written, gone = 0, []
    for picture in pictures:
        path = folder / picture.path
        if path.exists() and path.stat().st_size == picture.original.size_bytes:
            continue
        pieces = open_original(picture.original)
        if pieces is None:
            gone.append(picture.path)
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.part")
        with unfinished.open("wb") as file:
            file.writelines(pieces)
        unfinished.replace(path)
        written += 1
    return written, gone
