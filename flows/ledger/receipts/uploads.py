"""Uploads through the API: keys reserved in the inbox, repeated requests, and content that was sent before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from uuid import UUID, uuid4

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.domain.errors import ReceiptflowError
from flows.ledger.locking import as_value
from flows.ledger.receipts.receive import RECEIVE_SQL, RECEIVED_SQL, columns_of, receive_many, receptions_of
from flows.ledger.schema import OBJECT_GONE_CODES, Content, Receipt, Upload
from flows.ledger.values import ReceivedObject, Reception
from flows.ledger.views import ReceiptView

# Asked at each request, while what it looks for is rare: plain SQL at a fraction of the cost of
# the queries for the full answer.
_ANY_SUCH_CONTENT = text(
    """
    SELECT EXISTS (SELECT 1 FROM uploads WHERE owner = :owner AND sha256 = ANY(:sha256s) AND receipt_id IS NOT NULL)
        OR EXISTS (SELECT 1 FROM contents WHERE owner = :owner AND sha256 = ANY(:sha256s)
            AND canonical_receipt_id IS NOT NULL)
    """
)
_RECEIVE = text(
    f"""
    {RECEIVE_SQL}, noted_uploads AS (
        INSERT INTO uploads (id, owner, bucket, key, media_type, position, sha256, receipt_id, created_at, expires_at)
        SELECT
            upload.id, incoming.owner, incoming.bucket, incoming.key, upload.media_type, upload.position,
            upload.sha256, received.id, upload.created_at, upload.expires_at
        FROM unnest(
            CAST(:ids AS uuid[]), CAST(:keys AS text[]), CAST(:media_types AS text[]), CAST(:positions AS bigint[]),
            CAST(:sha256s AS text[]), CAST(:created_ats AS timestamptz[]), CAST(:expires_ats AS timestamptz[])
        ) AS upload (id, key, media_type, position, sha256, created_at, expires_at)
        JOIN incoming USING (key) JOIN received USING (key)
        ON CONFLICT (id) DO UPDATE SET receipt_id = excluded.receipt_id
    )
    {RECEIVED_SQL}
    """  # noqa: S608  # only constants
)


class KeyReusedError(ReceiptflowError):
    """An idempotency key came back with other files."""

    def __init__(self, idempotency_key: str) -> None:
        self.idempotency_key = idempotency_key
        super().__init__("This Idempotency-Key was used with other files; use a new one for other files.")


class UploadNotFoundError(ReceiptflowError):
    """No upload has this id, or it belongs to somebody else."""

    def __init__(self, upload_id: UUID) -> None:
        self.upload_id = upload_id
        super().__init__(f"no upload {upload_id}; ask for a new one")


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A key to be reserved. `sha256` is known of a posted file, not of one that is still to come."""

    owner: str
    bucket: str
    key: str
    media_type: str
    sha256: str | None = None
    expires_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class UploadView:
    """One upload; `receipt_id` is None until its object was received."""

    id: UUID
    owner: str
    bucket: str
    key: str
    media_type: str
    position: int
    sha256: str | None
    receipt_id: UUID | None
    created_at: dt.datetime
    expires_at: dt.datetime | None


def reserve(uploads: Sequence[NewUpload], *, session: Session, idempotency_key: str | None = None) -> list[UploadView]:
    """Note the files of one request before they are stored.

    A repeated request gets the keys of the first one, so that both store the same objects and make the same
    receipts, whether they come after each other or at once, and whatever became of the first.

    Args:
        uploads: The files in their order; all of one owner.
        session: The transaction; commit it before storing.
        idempotency_key: The client's name for this request.

    Raises:
        KeyReusedError: The first request with this idempotency key had other files.
    """
    rows = [
        {
            "owner": upload.owner,
            "bucket": upload.bucket,
            "key": upload.key,
            "media_type": upload.media_type,
            "sha256": upload.sha256,
            "expires_at": upload.expires_at,
            "idempotency_key": idempotency_key,
            "position": position,
        }
        for position, upload in enumerate(uploads)
    ]
    made = session.scalars(insert(Upload).values(rows).on_conflict_do_nothing().returning(Upload)).all()
    if len(made) == len(rows):
        return sorted((as_value(UploadView, row) for row in made), key=lambda view: view.position)
    mine = select(Upload).where(Upload.owner == uploads[0].owner).order_by(col(Upload.position))
    if idempotency_key is None:
        mine = mine.where(col(Upload.key).in_([upload.key for upload in uploads]))
    else:
        mine = mine.where(Upload.idempotency_key == idempotency_key)
    kept = [as_value(UploadView, row) for row in session.exec(mine)]
    if [view.sha256 for view in kept] != [upload.sha256 for upload in uploads]:
        raise KeyReusedError(str(idempotency_key))
    return kept


def receipts_of_content(owner: str, sha256s: Collection[str], *, session: Session) -> dict[str, ReceiptView]:
    """The receipts that an owner's contents already have, by hash: read ones, and ones that are still on their way."""
    if not session.scalar(_ANY_SUCH_CONTENT, {"owner": owner, "sha256s": list(sha256s)}):
        return {}
    on_their_way = (
        select(Upload.sha256, Receipt)
        .join(Receipt, col(Receipt.id) == col(Upload.receipt_id))
        .where(Upload.owner == owner, col(Upload.sha256).in_(sha256s))
        # A receipt that ended without its object is none of this content: the object has to be stored again.
        .where(func.coalesce(col(Receipt.reason_code), "").not_in(OBJECT_GONE_CODES))
        # Files of one request are received at the same instant, in the order of their positions.
        .order_by(col(Receipt.received_at).desc(), col(Upload.position).desc())
    )
    claimed = (
        select(Content.sha256, Receipt)
        .join(Receipt, col(Receipt.id) == col(Content.canonical_receipt_id))
        .where(Content.owner == owner, col(Content.sha256).in_(sha256s))
    )
    # The receipt that holds the content comes last and wins; else the one that came first.
    rows = [*session.exec(on_their_way), *session.exec(claimed)]
    return {str(sha256): as_value(ReceiptView, receipt) for sha256, receipt in rows}


def unreserved(uploads: Sequence[NewUpload]) -> list[UploadView]:
    """The same keys without a reservation, for a request that nobody can repeat by name.

    They are kept with `receive_uploads`, which saves a transaction.
    """
    now = dt.datetime.now(dt.UTC)
    return [
        UploadView(
            id=uuid4(),
            position=position,
            receipt_id=None,
            created_at=now,
            **{field.name: getattr(upload, field.name) for field in fields(NewUpload)},
        )
        for position, upload in enumerate(uploads)
    ]


def receive_uploads(
    uploads: Sequence[UploadView], objects: Sequence[ReceivedObject], *, session: Session
) -> list[Reception]:
    """Receive what was stored for uploads, reserved or not, and note which receipts they became.

    One statement if none of the objects has a receipt yet, as is usual.

    Args:
        uploads: All with different keys of one bucket.
        objects: What was stored for each of them.
        session: The transaction.
    """
    names = {
        "ids": [upload.id for upload in uploads],
        "media_types": [upload.media_type for upload in uploads],
        "positions": [upload.position for upload in uploads],
        "sha256s": [upload.sha256 for upload in uploads],
        "created_ats": [upload.created_at for upload in uploads],
        "expires_ats": [upload.expires_at for upload in uploads],
    }
    new = receptions_of(objects, session.execute(_RECEIVE, {**columns_of(objects), **names}).all())
    if None not in new:
        return [reception for reception in new if reception]
    receptions = receive_many(objects, session=session)  # an event or the sweep was first
    for upload, reception in zip(uploads, receptions, strict=True):
        _note(upload, reception.receipt_id, session=session)
    return [
        replace(reception, created=reception.created or new_one is not None)
        for reception, new_one in zip(receptions, new, strict=True)
    ]


def _note(upload: UploadView, receipt_id: UUID, *, session: Session) -> None:
    row = {field.name: getattr(upload, field.name) for field in fields(UploadView)} | {"receipt_id": receipt_id}
    query = insert(Upload).values(row)
    session.execute(query.on_conflict_do_update(index_elements=["id"], set_={"receipt_id": receipt_id}))


def note_received(upload_id: UUID, receipt_id: UUID, *, session: Session) -> None:
    """Note which receipt an upload became."""
    query = update(Upload).where(col(Upload.id) == upload_id).values(receipt_id=receipt_id)
    session.execute(query)


def find_upload(upload_id: UUID, owner: str, *, session: Session) -> UploadView:
    """An owner's upload.

    Raises:
        UploadNotFoundError: There is none, or it is another owner's.
    """
    row = session.get(Upload, upload_id, populate_existing=True)
    if row is None or row.owner != owner:
        raise UploadNotFoundError(upload_id)
    return as_value(UploadView, row)


def open_upload(upload_id: UUID, *, session: Session) -> UploadView | None:
    """An upload of anybody's that may still come: its file is not there, and its time is not over."""
    row = session.get(Upload, upload_id)
    if row is None or row.receipt_id is not None or row.expires_at is None:
        return None
    return as_value(UploadView, row) if row.expires_at > dt.datetime.now(dt.UTC) else None


def upload_at(bucket: str, key: str, *, session: Session) -> UploadView | None:
    """The upload that was given this key, or None for an object that came another way."""
    row = session.exec(select(Upload).where(Upload.bucket == bucket, Upload.key == key)).one_or_none()
    return as_value(UploadView, row) if row else None
