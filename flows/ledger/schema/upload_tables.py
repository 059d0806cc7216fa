"""The table of uploads through the API: what has a key in the inbox before its receipt exists.

One row per file that was posted or was given a presigned address. It is what makes a repeated request harmless.
"""

import datetime as dt
from uuid import UUID

from sqlalchemy import BigInteger, Column, DateTime, ForeignKey, Index, String, Text, UniqueConstraint, Uuid, func, text
from sqlmodel import Field

from flows.ledger.schema.tables import Table


class Upload(Table, table=True):
    """One file on its way in. `position` counts the files of one request from 0."""

    __tablename__ = "uploads"
    __table_args__ = (
        UniqueConstraint("owner", "idempotency_key", "position"),
        UniqueConstraint("bucket", "key"),
        Index("ix_uploads_owner_sha256", "owner", "sha256"),
        Index("ix_uploads_receipt_id", "receipt_id"),
    )

    id: UUID = Field(default=None, sa_column=Column(Uuid, primary_key=True, server_default=func.gen_random_uuid()))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    bucket: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text(collation="C"), nullable=False))
    media_type: str = Field(sa_column=Column(Text, nullable=False))
    idempotency_key: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    position: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    sha256: str | None = Field(default=None, sa_column=Column(String(64), nullable=True))
    receipt_id: UUID | None = Field(
        default=None, sa_column=Column(Uuid, ForeignKey("receipts.id", ondelete="CASCADE"), nullable=True)
    )
    created_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    expires_at: dt.datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))
