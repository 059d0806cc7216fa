"""The table of what was printed, for search."""

from typing import Any
from uuid import UUID

from sqlalchemy import Column, ForeignKey, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import TSVECTOR
from sqlmodel import Field

from flows.ledger.schema.tables import Table


class ContentText(Table, table=True):
    """The printed words of one content, and the words by which it is found: these and its expenses' fields."""

    __tablename__ = "content_texts"
    __table_args__ = (Index("ix_content_texts_tsv", "tsv", postgresql_using="gin"),)

    content_id: UUID = Field(
        default=None, sa_column=Column(Uuid, ForeignKey("contents.id", ondelete="CASCADE"), primary_key=True)
    )
    text: str = Field(sa_column=Column(Text, nullable=False))
    tsv: Any = Field(default=None, sa_column=Column(TSVECTOR, nullable=False))
