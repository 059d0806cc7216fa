"""The tables of exports: which were made, what each booked, and which accounts an owner's books have."""

import datetime as dt
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from flows.ledger.schema.tables import Table


class Export(Table, table=True):
    """One export of one owner to one target, numbered from 1. `finished_at` is empty until its file was written."""

    __tablename__ = "exports"
    __table_args__ = (UniqueConstraint("owner", "target", "number"),)

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    target: str = Field(sa_column=Column(Text, nullable=False))
    number: int = Field(sa_column=Column(BigInteger, nullable=False))
    date_from: dt.date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    date_to: dt.date | None = Field(default=None, sa_column=Column(Date, nullable=True))
    new: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    changed: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    voided: int = Field(default=0, sa_column=Column(BigInteger, nullable=False, server_default=text("0")))
    created_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    finished_at: dt.datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


class ExportItem(Table, table=True):
    """One expense as one export booked it: appended, never changed. The newest one says what the target has.

    `version` counts what the target was told of the expense, from 1; `entry` is what was booked, where a later export
    has to take it back; `remote_id` is the target's own name of it.
    """

    __tablename__ = "export_items"
    __table_args__ = (
        UniqueConstraint("export_id", "public_id"),
        Index("ix_export_items_owner_target_public_id_id", "owner", "target", "public_id", "id"),
    )

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    export_id: int = Field(sa_column=Column(BigInteger, ForeignKey("exports.id", ondelete="CASCADE"), nullable=False))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    target: str = Field(sa_column=Column(Text, nullable=False))
    public_id: str = Field(sa_column=Column(Text, nullable=False))
    revision: int = Field(sa_column=Column(BigInteger, nullable=False))
    version: int = Field(sa_column=Column(BigInteger, nullable=False))
    sha256: str = Field(sa_column=Column(String(64), nullable=False))
    voided: bool = Field(sa_column=Column(Boolean, nullable=False))
    entry: dict[str, Any] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    remote_id: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    exported_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class ExportAccount(Table, table=True):
    """To which account of another program's books a category, a payment method or a tax rate goes.

    `target` is empty for all targets, `value` for all values that have no row of their own. Rows of the kind `known`
    are the accounts that there are.
    """

    __tablename__ = "export_accounts"

    owner: str = Field(sa_column=Column(Text, primary_key=True))
    target: str = Field(sa_column=Column(Text, primary_key=True))
    kind: str = Field(sa_column=Column(String(16), primary_key=True))
    value: str = Field(sa_column=Column(Text, primary_key=True))
    account: str = Field(sa_column=Column(Text, nullable=False))
