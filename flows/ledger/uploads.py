"""Uploads through the API: places promised in the inbox, repeated requests, and content that was sent before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session, col, select

from flows.errors import ReceiptflowError
from flows.ledger.rows import as_value
from flows.ledger.tables import Content, Receipt
from flows.ledger.upload_tables import Upload
from flows.ledger.views import ReceiptView


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
    """A place to be reserved. `sha256` is known of a posted file, not of one that is still to come."""

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

    A repeated request gets the places of the first one, so that both store the same objects and make the same
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
    on_their_way = (
        select(Upload.sha256, Receipt)
        .join(Receipt, col(Receipt.id) == col(Upload.receipt_id))
        .where(Upload.owner == owner, col(Upload.sha256).in_(sha256s))
        .order_by(col(Receipt.received_at).desc())
    )
    claimed = (
        select(Content.sha256, Receipt)
        .join(Receipt, col(Receipt.id) == col(Content.holder_id))
        .where(Content.owner == owner, col(Content.sha256).in_(sha256s))
    )
    # The receipt that holds the content comes last and wins; else the one that came first.
    rows = [*session.exec(on_their_way), *session.exec(claimed)]
    return {str(sha256): as_value(ReceiptView, receipt) for sha256, receipt in rows}


def unreserved(uploads: Sequence[NewUpload]) -> list[UploadView]:
    """The same places without a reservation, for a request that nobody can repeat by name.

    They are kept with `note_all_received`, which saves a transaction.
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


def note_all_received(uploads: Sequence[UploadView], receipt_ids: Sequence[UUID], *, session: Session) -> None:
    """Note which receipts uploads became, reserved or not, in one statement."""
    rows = [
        {field.name: getattr(upload, field.name) for field in fields(UploadView)} | {"receipt_id": receipt_id}
        for upload, receipt_id in zip(uploads, receipt_ids, strict=True)
    ]
    query = insert(Upload).values(rows)
    session.execute(query.on_conflict_do_update(index_elements=["id"], set_={"receipt_id": query.excluded.receipt_id}))


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


def upload_at(bucket: str, key: str, *, session: Session) -> UploadView | None:
    """The upload that was given this place, or None for an object that came another way."""
    row = session.exec(select(Upload).where(Upload.bucket == bucket, Upload.key == key)).one_or_none()
    return as_value(UploadView, row) if row else None
