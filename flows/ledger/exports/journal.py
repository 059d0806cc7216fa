"""What was exported where: exports with numbers, and one item for each expense that an export booked.

Items are appended and never changed. The newest item of an expense says what the target has of it.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from sqlalchemy import func, text, update
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.locking import clean, columns_of
from flows.ledger.schema import Export

# How long an export waits for another one of the same owner and target.
_WAIT_SECONDS = 120
_FETCHED_ROWS = 2000
_COLUMNS = ("export_id", "owner", "target", "public_id", "revision", "version", "sha256", "voided", "entry")


class ExportNotFoundError(ReceiptflowError):
    """There is no export with this number."""

    def __init__(self, target: str, number: int) -> None:
        self.target, self.number = target, number
        super().__init__(f"no export {number} to {target}; `receiptflow exports {target}` lists what there is")


class Booked(NamedTuple):
    """What a target was told of an expense last. `entry` is what was booked, `version` counts the tellings from 1."""

    public_id: str
    revision: int
    version: int
    sha256: str
    voided: bool
    entry: dict[str, Any] | None
    remote_id: str | None


class Item(NamedTuple):
    """What an export tells a target of an expense."""

    public_id: str
    revision: int
    version: int
    sha256: str
    voided: bool
    entry: dict[str, Any] | None


class Movement(NamedTuple):
    """One thing that was booked, or that was taken back: what is replaced is booked anew beside it."""

    public_id: str
    version: int
    is_reversal: bool
    is_replaced: bool
    entry: dict[str, Any]

    @property
    def id(self) -> str:
        """A name that no other movement of the target has: of the first booking the expense's own id."""
        if self.version == 1:
            return self.public_id
        return f"{self.public_id}.{self.version}{'r' if self.is_reversal else ''}"


class StatementView(NamedTuple):
    """An account with the days of its first and last movements, and all that was ever booked on it."""

    account: str
    currency: str
    first: str
    last: str
    booked: Decimal


@dataclass(frozen=True, slots=True)
class ExportView:
    """One export. `finished_at` None says that its file was not written to its end."""

    id: int
    owner: str
    target: str
    number: int
    date_from: dt.date | None
    date_to: dt.date | None
    new: int
    changed: int
    voided: int
    created_at: dt.datetime
    finished_at: dt.datetime | None


def lock_target(owner: str, target: str, *, session: Session) -> None:
    """Keep other exports of this owner to this target waiting until the transaction ends.

    Raises:
        LedgerUnavailableError: Another export kept the lock for two minutes.
    """
    session.execute(text(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'"))
    session.execute(text(f"SET LOCAL statement_timeout = '{_WAIT_SECONDS}s'"))
    query = text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))")
    session.execute(query, {"name": f"receiptflow:export:{target}:{owner}"})


def begin_export(
    owner: str, target: str, date_from: dt.date | None, date_to: dt.date | None, *, session: Session
) -> ExportView:
    """The next numbered export; the caller holds the target's lock."""
    last = select(func.max(Export.number)).where(Export.owner == owner, Export.target == target)
    number = (session.exec(last).one() or 0) + 1
    made = Export(owner=owner, target=target, number=number, date_from=date_from, date_to=date_to)
    session.add(made)
    session.flush()
    return get_export(owner, target, number, session=session)


def add_items(export: ExportView, items: Sequence[Item], *, session: Session) -> None:
    """Append items, by COPY: an INSERT of as many takes five times as long."""
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(f"COPY export_items ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
        for item in items:
            entry = None if item.entry is None else json.dumps(clean(item.entry))
            copy.write_row((export.id, export.owner, export.target, *item[:5], entry))


def finish_export(export: ExportView, *, session: Session, counts: dict[str, int] | None = None) -> ExportView:
    """Note how many were new, changed and voided, or, without `counts`, that the file was written to its end."""
    values = counts if counts is not None else {"finished_at": func.now()}
    session.execute(update(Export).where(col(Export.id) == export.id).values(**values))
    return get_export(export.owner, export.target, export.number, session=session)


def get_export(owner: str, target: str, number: int, *, session: Session) -> ExportView:
    """One export.

    Raises:
        ExportNotFoundError: There is none.
    """
    query = select(*columns_of(ExportView, Export)).where(
        Export.owner == owner, Export.target == target, Export.number == number
    )
    row = session.execute(query).one_or_none()
    if row is None:
        raise ExportNotFoundError(target, number)
    return ExportView(*row)


def list_exports(owner: str, target: str | None = None, *, session: Session, limit: int = 100) -> list[ExportView]:
    """An owner's exports, the last first."""
    query = select(*columns_of(ExportView, Export)).where(Export.owner == owner)
    if target is not None:
        query = query.where(Export.target == target)
    return [ExportView(*row) for row in session.execute(query.order_by(col(Export.id).desc()).limit(limit))]


_NEWEST = """SELECT DISTINCT ON (public_id) * FROM export_items WHERE owner = :owner AND target = :target
    ORDER BY public_id, id DESC"""


def gone_items(owner: str, target: str, *, session: Session) -> Iterator[Booked]:
    """What the target has of expenses that were deleted with their receipts."""
    query = text(
        f"""SELECT b.public_id, b.revision, b.version, b.sha256, b.voided, b.entry, b.remote_id FROM ({_NEWEST}) b
        WHERE NOT b.voided AND NOT EXISTS (SELECT FROM expenses e WHERE e.public_id = b.public_id)"""  # noqa: S608  # constants of this module
    )
    rows = session.execute(query.execution_options(yield_per=_FETCHED_ROWS), {"owner": owner, "target": target})
    return (Booked(*row) for row in rows)


_OWN = "export_id >= :own"
# Each item books its entry, and takes back the one of the version before it. A window and no join: on a table that was
# just filled the planner knows no sizes, and would compare every item with every other.
_MOVEMENTS = """
    SELECT told.id, told.export_id, told.public_id, told.version, m.is_reversal,
        m.is_reversal AND told.entry IS NOT NULL AS is_replaced, m.entry,
        (m.entry ->> 'account') COLLATE "C" AS account, (m.entry ->> 'currency') COLLATE "C" AS currency
    FROM (
        SELECT id, export_id, public_id, version, entry,
            lag(entry) OVER (PARTITION BY public_id ORDER BY version) AS before
        FROM export_items WHERE owner = :owner AND target = :target AND export_id <= :last
    ) told CROSS JOIN LATERAL (VALUES (true, told.before), (false, told.entry)) AS m (is_reversal, entry)
    WHERE m.entry IS NOT NULL AND told.export_id >= :first"""


def movements(export: ExportView, *, whole: bool, session: Session) -> Iterator[Movement]:
    """What was booked and taken back up to this export, or by it alone, by account and currency, as it came."""
    query = text(
        f"""SELECT public_id, version, is_reversal, is_replaced, entry FROM ({_MOVEMENTS}) m
        ORDER BY account, currency, id, is_reversal DESC"""  # noqa: S608  # constants of this module
    )
    rows = session.execute(query.execution_options(yield_per=_FETCHED_ROWS), _bounds(export, whole=whole))
    return (Movement(*row) for row in rows)


def statements(export: ExportView, *, whole: bool, session: Session) -> list[StatementView]:
    """The accounts that movements are in, with the days of the first and the last."""
    query = text(
        f"""SELECT account, currency, min(entry ->> 'date') FILTER (WHERE {_OWN}),
            max(entry ->> 'date') FILTER (WHERE {_OWN}),
            sum(CAST(entry ->> 'amount' AS numeric) * CASE WHEN is_reversal THEN -1 ELSE 1 END)
        FROM ({_MOVEMENTS}) m GROUP BY account, currency HAVING count(*) FILTER (WHERE {_OWN}) > 0
        ORDER BY account, currency"""  # noqa: S608  # constants of this module
    )
    bounds = _bounds(export, whole=whole)
    rows = session.execute(query, bounds | {"first": 0, "own": bounds["first"]})
    return [StatementView(*row) for row in rows]


def _bounds(export: ExportView, *, whole: bool) -> dict[str, Any]:
    return {
        "owner": export.owner,
        "target": export.target,
        "first": 0 if whole else export.id,
        "last": export.id,
    }


def unfinished_items(owner: str, target: str, *, session: Session) -> tuple[list[ExportView], list[Item]]:
    """The exports that are not told to their end, and the newest item of each expense in them, in order."""
    query = select(*columns_of(ExportView, Export)).where(
        Export.owner == owner, Export.target == target, col(Export.finished_at).is_(None)
    )
    unfinished = [ExportView(*row) for row in session.execute(query.order_by(col(Export.id)))]
    newest = text(
        """SELECT public_id, revision, version, sha256, voided, entry FROM (
            SELECT DISTINCT ON (public_id) * FROM export_items WHERE export_id = ANY(:ids) ORDER BY public_id, id DESC
        ) newest ORDER BY id"""
    )
    items = session.execute(newest, {"ids": [one.id for one in unfinished]})
    return unfinished, [Item(*row) for row in items]


def forget_booked_values(public_ids: Sequence[str], *, session: Session) -> None:
    """Remove what tells of the receipt from what was booked of deleted expenses; amounts and accounts stay."""
    query = text(
        """UPDATE export_items SET entry = entry - '{payee,memo,tags,number,row,picture}'::text[]
        WHERE public_id = ANY(:public_ids) AND entry IS NOT NULL"""
    )
    session.execute(query, {"public_ids": list(public_ids)})
