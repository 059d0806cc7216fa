"""What takes how much, as far as the ledger's database server can say it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

_RATE_DAYS = 7

_SIZES = text(
    """
    SELECT datname, pg_database_size(datname) FROM pg_database
    WHERE (datname = current_database() OR datname = :prefect) AND has_database_privilege(datname, 'CONNECT')
    """
)
_RECEIPTS = text(
    """
    SELECT count(*), coalesce(sum(size_bytes), 0),
        count(*) FILTER (WHERE received_at > now() - make_interval(days => :days)),
        least(:days, greatest(extract(epoch FROM now() - min(received_at)) / 86400, 1.0))
    FROM receipts
    """
)


@dataclass(frozen=True, slots=True)
class LedgerUsage:
    """Sizes in bytes; `prefect_bytes` is None where Prefect's database is on another server."""

    ledger_bytes: int
    prefect_bytes: int | None
    receipts: int
    originals_bytes: int
    receipts_a_day: float


def read_usage(*, session: Session, prefect_database: str = "prefect") -> LedgerUsage:
    """The databases' sizes, the receipts' number and size, and how many came a day within the last week."""
    sizes: dict[str, int] = {row[0]: row[1] for row in session.execute(_SIZES, {"prefect": prefect_database})}
    receipts, originals, lately, days = session.execute(_RECEIPTS, {"days": _RATE_DAYS}).one()
    own = session.execute(text("SELECT current_database()")).scalar_one()
    return LedgerUsage(
        ledger_bytes=sizes[own],
        prefect_bytes=sizes.get(prefect_database) if own != prefect_database else None,
        receipts=receipts,
        originals_bytes=int(originals),
        receipts_a_day=lately / float(days) if lately else 0.0,
    )
