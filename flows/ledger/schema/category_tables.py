"""The table of an owner's categories."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Column, DateTime, Text, UniqueConstraint, Uuid, func, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlmodel import Field

from flows.ledger.schema.tables import Table


class Category(Table, table=True):
    """One category of one owner. `key` is the folded name; `former_keys` are names that mean it still.

    Expenses and lines carry the name as it is now; corrections keep the name that was given.
    """

    __tablename__ = "categories"
    __table_args__ = (UniqueConstraint("owner", "key"),)

    id: UUID = Field(default=None, sa_column=Column(Uuid, primary_key=True, server_default=func.gen_random_uuid()))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    key: str = Field(sa_column=Column(Text, nullable=False))
    former_keys: list[str] = Field(
        default=[], sa_column=Column(ARRAY(Text), nullable=False, server_default=text("'{}'::text[]"))
    )
    archived_at: dt.datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))
    created_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
