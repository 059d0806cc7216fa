"""Every source's one way into the ledger: an object becomes a receipt exactly once, alone or by the thousand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, case, func, text, tuple_, update
from sqlmodel import Session, col, select

from flows.ledger.locking import is_in, lock_receipt, quoted
from flows.ledger.pagination import read_cursor, write_cursor
from flows.ledger.receipts.attempts import requeue
from flows.ledger.schema import OBJECT_GONE_CODES, Receipt, State
from flows.ledger.values import ReceivedObject, Reception, WaitingReceipt
from flows.ledger.views import Page

_INCOMING = """
    WITH incoming AS (
        SELECT * FROM unnest(
            CAST(:buckets AS text[]), CAST(:keys AS text[]), CAST(:etags AS text[]), CAST(:version_ids AS text[])
        ) WITH ORDINALITY AS object (bucket, key, etag, version_id, n)
    )
"""
# A listing names no version where an event does: without a version, key and ETag are the identity.
_SAME_OBJECT = """
    receipts.bucket = incoming.bucket AND receipts.key = incoming.key AND receipts.etag = incoming.etag
    AND (receipts.version_id = incoming.version_id OR '' IN (receipts.version_id, incoming.version_id))
"""
# Whoever sees the object of such a receipt sees one that was put back.
_OBJECT_WAS_GONE = (
    f"(state = 'quarantined' AND reason_code IS NOT NULL AND reason_code IN ({quoted(OBJECT_GONE_CODES)}))"
)
_UNKNOWN = text(
    f"""{_INCOMING} SELECT n FROM incoming
    WHERE NOT EXISTS (SELECT 1 FROM receipts WHERE {_SAME_OBJECT} AND NOT {_OBJECT_WAS_GONE})
    ORDER BY n"""  # noqa: S608  # only constants
)
_FIND = text(
    f"""{_INCOMING}
    SELECT DISTINCT ON (n) n, receipts.id, state, flow_run_id, reopened, held, submitted_at IS NOT NULL AS submitted,
        {_OBJECT_WAS_GONE} AS was_gone
    FROM incoming JOIN receipts ON {_SAME_OBJECT}
    ORDER BY n, receipts.version_id = incoming.version_id DESC, received_at
    """  # noqa: S608  # only constants
)
# Makes receipts of those objects that have none. One order for all: two pages that share objects would otherwise wait
# for each other's rows.
RECEIVE_SQL = f"""
    WITH incoming AS (
        SELECT * FROM unnest(
            CAST(:buckets AS text[]), CAST(:keys AS text[]), CAST(:etags AS text[]), CAST(:version_ids AS text[]),
            CAST(:sizes AS bigint[]), CAST(:owners AS text[]), CAST(:sources AS text[]), CAST(:priorities AS bigint[]),
            CAST(:pipeline_versions AS text[])
        ) AS object (bucket, key, etag, version_id, size_bytes, owner, source, priority, pipeline_version)
    ), received AS (
        INSERT INTO receipts
            (bucket, key, etag, version_id, size_bytes, owner, source, priority, pipeline_version, state)
        SELECT *, 'waiting' FROM incoming WHERE NOT EXISTS (SELECT 1 FROM receipts WHERE {_SAME_OBJECT})
        ORDER BY bucket COLLATE "C", key COLLATE "C", etag COLLATE "C", version_id COLLATE "C"
        ON CONFLICT (bucket, key, etag, version_id) DO NOTHING
        RETURNING id, bucket, key, etag, version_id, source
    ), noted AS (
        INSERT INTO state_changes (receipt_id, to_state, reason)
        SELECT id, 'waiting', 'received by ' || source FROM received
    )
"""  # noqa: S608  # only constants
RECEIVED_SQL = "SELECT id, bucket, key, etag, version_id FROM received"
_INSERT = text(RECEIVE_SQL + RECEIVED_SQL)


def receive(received: ReceivedObject, *, session: Session) -> Reception:
    """Make a receipt of one object, or find the one that it has: any number of times, from any source, in any race."""
    return receive_many([received], session=session)[0]


def receive_many(objects: Sequence[ReceivedObject], *, session: Session) -> list[Reception]:
    """The same for a page of objects in one round trip, or two if there are known ones among them.

    A receipt that ended without its object waits again: the object was put back.

    Returns:
        One reception per object, in the order given.
    """
    if not objects:
        return []
    new = receptions_of(objects, session.execute(_INSERT, columns_of(objects)).all())
    if None not in new:
        return [reception for reception in new if reception]
    found = session.execute(_FIND, _names(objects)).all()
    if len(found) != len(objects):
        # A receipt was deleted between the statements; the object stands in the bucket, so it is received anew.
        return receive_many(objects, session=session)
    if _take_back(found, session=session):
        found = session.execute(_FIND, _names(objects)).all()
    created = {reception.receipt_id for reception in new if reception}
    return [_reception(row, created) for row in found]


def _take_back(found: Sequence[Row[Any]], *, session: Session) -> bool:
    """Let those of the found receipts wait whose object had been gone; whether there were any."""
    vanished = sorted({row.id for row in found if row.was_gone})
    for receipt_id in vanished:
        receipt = lock_receipt(receipt_id, session=session)
        if receipt.state is State.QUARANTINED and receipt.reason_code in OBJECT_GONE_CODES:
            requeue(receipt, "its object was put back", session=session)
    return bool(vanished)


def receptions_of(objects: Sequence[ReceivedObject], received: Sequence[Row[Any]]) -> list[Reception | None]:
    """What a statement with `RECEIVE_SQL` has received of the objects; None for what had a receipt already.

    Args:
        objects: In any order.
        received: The rows of `RECEIVED_SQL`.
    """
    ids = {(row.bucket, row.key, row.etag, row.version_id): row.id for row in received}
    new = [ids.get((one.bucket, one.key, one.etag, one.version_id)) for one in objects]
    return [_created(receipt_id) if receipt_id else None for receipt_id in new]


def unknown_objects(objects: Sequence[ReceivedObject], *, session: Session) -> list[ReceivedObject]:
    """Those of a page of objects that the ledger does not know; one index look-up an object, one round trip a page."""
    return [objects[n - 1] for n in session.scalars(_UNKNOWN, _names(objects))]


def mark_submitted(
    receipt_id: UUID, flow_run_id: UUID, idempotency_key: str | None = None, *, session: Session
) -> bool | None:
    """Note the flow run that was created for a receipt. A receipt that somebody works on keeps that one's flow run.

    Returns:
        Whether nobody had noted a submission under this key; None if there is no such receipt any more.
    """
    held = select(Receipt.id, Receipt.idempotency_key).where(Receipt.id == receipt_id).with_for_update().subquery()
    query = update(Receipt).where(col(Receipt.id) == held.c.id)
    waiting = col(Receipt.state) == State.WAITING
    query = query.values(
        submitted_at=func.now(),
        updated_at=func.now(),
        idempotency_key=idempotency_key,
        flow_run_id=case((waiting, flow_run_id), else_=col(Receipt.flow_run_id)),
    )
    noted = session.execute(query.returning(held.c.idempotency_key)).first()
    return None if noted is None else idempotency_key is None or noted[0] != idempotency_key


def waiting_for_submission(
    *, session: Session, limit: int = 1000, after: str | None = None, submitted_before: dt.datetime | None = None
) -> Page[WaitingReceipt]:
    """Receipts that need a flow run: waiting, not held by a person, not submitted; most urgent, then oldest, first.

    Args:
        session: The transaction.
        limit: At most so many.
        after: The `next` of the page before.
        submitted_before: Give also those that were submitted before this time and never began. To submit them
            again under the same idempotency key finds their run if it still exists and replaces it if it does not.
    """
    order = (col(Receipt.priority), col(Receipt.received_at), col(Receipt.id))
    query = select(Receipt).where(is_in(State.WAITING, col(Receipt.state)), ~col(Receipt.held))
    unsubmitted = col(Receipt.submitted_at).is_(None)
    query = query.where(
        unsubmitted | (col(Receipt.submitted_at) < submitted_before) if submitted_before else unsubmitted
    )
    if after is not None:
        query = query.where(tuple_(*order) > tuple_(*read_cursor(after, int, dt.datetime, UUID)))
    rows = session.exec(query.order_by(*order).limit(limit)).all()
    following = write_cursor(rows[-1].priority, rows[-1].received_at, rows[-1].id) if len(rows) == limit else None
    return Page(tuple(as_waiting(row) for row in rows), following)


def waiting_among(receipt_ids: Sequence[UUID], *, session: Session) -> list[WaitingReceipt]:
    """Those of the receipts that need a flow run, the one received first at the front."""
    query = select(Receipt).where(col(Receipt.id).in_(receipt_ids), Receipt.state == State.WAITING)
    query = query.where(~col(Receipt.held), col(Receipt.submitted_at).is_(None))
    return [as_waiting(row) for row in session.exec(query.order_by(col(Receipt.received_at), col(Receipt.id)))]


def as_waiting(receipt: Receipt) -> WaitingReceipt:
    """What is needed to submit the receipt."""
    return WaitingReceipt(
        receipt_id=receipt.id,
        bucket=receipt.bucket,
        key=receipt.key,
        owner=receipt.owner,
        reopened=receipt.reopened,
        pipeline_version=receipt.pipeline_version,
        priority=receipt.priority,
    )


def _names(objects: Sequence[ReceivedObject]) -> dict[str, list[str]]:
    return {
        "buckets": [one.bucket for one in objects],
        "keys": [one.key for one in objects],
        "etags": [one.etag for one in objects],
        "version_ids": [one.version_id for one in objects],
    }


def columns_of(objects: Sequence[ReceivedObject]) -> dict[str, Any]:
    """The parameters of `RECEIVE_SQL`."""
    return {
        **_names(objects),
        "sizes": [one.size_bytes for one in objects],
        "owners": [one.owner for one in objects],
        "sources": [str(one.source) for one in objects],
        "priorities": [one.priority for one in objects],
        "pipeline_versions": [one.pipeline_version for one in objects],
    }


def _created(receipt_id: UUID) -> Reception:
    return Reception(
        receipt_id=receipt_id,
        created=True,
        state=State.WAITING,
        flow_run_id=None,
        reopened=0,
        held=False,
        submitted=False,
    )


def _reception(row: Row[Any], created: set[UUID]) -> Reception:
    return Reception(
        receipt_id=row.id,
        created=row.id in created,
        state=State(row.state),
        flow_run_id=row.flow_run_id,
        reopened=row.reopened,
        held=row.held,
        submitted=row.submitted,
    )
