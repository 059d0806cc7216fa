"""Exports to a server: each expense is brought to what it should be there, found again by our id.

What there is to tell is noted first, and counts as told once the server has all of it. What a kill or an outage cut
short is told again by the next export; the server is asked what it has before anything is written, so that nothing is
there twice.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

from sqlalchemy import text
from sqlmodel import Session

from flows.exports.comparison import Comparison, Exported
from flows.exports.errors import BusyTargetError
from flows.exports.protocol import Telling
from flows.exports.run import compare
from flows.ledger.database import Ledger
from flows.ledger.exports import (
    ExportView,
    Period,
    finish_export,
    lock_target,
    unfinished_items,
)

_ITEMS_AT_ONCE = 100
# After so long without a sign of life the database takes the lock from a process that hangs: many times what a hundred
# requests take.
_GIVEN_UP_SECONDS = 1800


class BookServer(Telling, Protocol):
    """A program's books on a server."""

    def describe(self) -> str:
        """Which books answered, and what accounts they have, for people who try a connection."""

    def put(self, public_id: str, entry: dict[str, Any]) -> None:
        """Have this, under this id, once, whether it is there already or not."""

    def remove(self, public_id: str) -> None:
        """Have it no more; one that is not there is no error."""

    def flush(self) -> None:
        """Have the server keep what came since the last time."""

    def finish(self) -> None:
        """Tell what it refused, when all the rest is written.

        Raises:
            BooksRefusedError: It refused some.
        """


def push(
    ledger: Ledger, owner: str, books: BookServer, *, period: Period | None = None, leave_out: bool = False
) -> Exported:
    """Bring a server's books to what an owner's expenses are.

    Args:
        ledger: Where the expenses are.
        owner: Whose.
        books: Where they go.
        period: Days of purchase of what is new; what was told before is kept right, whatever its day.
        leave_out: Leave out what the books would not take, rather than tell nothing.

    Returns:
        What is new, changed and voided; `is_repeat` if what an export of before had left was told, too.

    Raises:
        BusyTargetError: Another export of this owner to these books is at it.
        ExportRefusedError: They would not take some expenses.
        TransientError: The server did not answer; the next export goes on where this one stopped.
    """
    with ledger.session() as guard:
        if not _lock(owner, books, guard):
            raise BusyTargetError(books.name)
        with ledger.session() as session:
            lock_target(owner, books.name, session=session)
            found = Comparison(owner, books.name, period or Period(), session)
            compare(found, owner, books, period or Period(), session=session)
            found.finish(leave_out=leave_out)
        told = _tell(ledger, owner, books, guard)
        before = any(found.export is None or one.id != found.export.id for one in told)
        return replace(found.result(()), is_repeat=before)


def _lock(owner: str, books: BookServer, guard: Session) -> bool:
    """Whether this is the only export of the owner to these books; until the guard's transaction ends."""
    guard.execute(text(f"SET LOCAL idle_in_transaction_session_timeout = '{_GIVEN_UP_SECONDS}s'"))
    query = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))")
    return bool(guard.scalar(query, {"name": f"receiptflow:push:{books.name}:{owner}"}))


def _tell(ledger: Ledger, owner: str, books: BookServer, guard: Session) -> list[ExportView]:
    """Tell all that was noted and not told yet, and by which exports. The guard is used, so that its lock is kept."""
    with ledger.session() as session:
        told, items = unfinished_items(owner, books.name, session=session)
    for place, item in enumerate(items, start=1):
        if item.entry is None:
            books.remove(item.public_id)
        else:
            books.put(item.public_id, item.entry)
        if place % _ITEMS_AT_ONCE == 0:
            books.flush()
            guard.execute(text("SELECT 1"))
    books.flush()
    books.finish()
    with ledger.session() as session:
        for export in told:
            finish_export(export, session=session)
    return told
