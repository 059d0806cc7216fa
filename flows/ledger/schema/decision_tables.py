"""The tables of what people decided: decisions, the corrections made by them, purchases that are not the same.

Both are append-only: what is taken back gets another row. They go with their content.
"""

import datetime as dt
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Text,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from flows.ledger.schema.states import DecisionKind, Via
from flows.ledger.schema.tables import Table


def _key() -> Any:
    return Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))


def _content(*, primary_key: bool = False) -> Any:
    reference = ForeignKey("contents.id", ondelete="CASCADE")
    return Field(default=None, sa_column=Column(Uuid, reference, nullable=False, primary_key=primary_key))


def _decision(*, nullable: bool) -> Any:
    reference = ForeignKey("decisions.id", ondelete="CASCADE")
    return Field(default=None, sa_column=Column(BigInteger, reference, nullable=nullable))


def _word(kind: type[Any]) -> Any:
    column = Enum(kind, native_enum=False, length=16, values_callable=lambda members: [one.value for one in members])
    return Field(default=None, sa_column=Column(column, nullable=False))


def _text(*, nullable: bool = False) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=nullable))


def _json() -> Any:
    """JSON in which null is a value of its own: a field that was set to nothing."""
    return Field(default=None, sa_column=Column(JSONB(none_as_null=False), nullable=False))


def _at() -> Any:
    return Field(
        default=None,
        sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.clock_timestamp()),
    )


class DecisionRow(Table, table=True):
    """What a person did with a content. `previous` is how it stood before, for whoever takes the decision back."""

    __tablename__ = "decisions"
    __table_args__ = (
        Index("ix_decisions_content_id_id", "content_id", "id"),
        Index("ix_decisions_undoes", "undoes", postgresql_where=text("undoes IS NOT NULL")),
    )

    id: int = _key()
    content_id: UUID = _content()
    kind: DecisionKind = _word(DecisionKind)
    code: str | None = _text(nullable=True)
    reason: str | None = _text(nullable=True)
    previous: dict[str, Any] = _json()
    undoes: int | None = _decision(nullable=True)
    actor: str = _text()
    via: Via = _word(Via)
    person_id: UUID | None = Field(default=None, sa_column=Column(Uuid, nullable=True))
    at: dt.datetime = _at()


class CorrectionRow(Table, table=True):
    """One field's value by a person. The newest row of a content, part and field counts, unless it is taken back.

    `before` is what stood there, `machine` what had been read.
    """

    __tablename__ = "corrections"
    __table_args__ = (
        Index("ix_corrections_content_id_id", "content_id", "id"),
        Index("ix_corrections_decision_id", "decision_id"),
    )

    id: int = _key()
    content_id: UUID = _content()
    decision_id: int = _decision(nullable=False)
    part: int = Field(default=0, sa_column=Column(Integer, nullable=False, server_default=text("0")))
    field: str = _text()
    value: Any = _json()
    taken_back: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    before: Any = _json()
    machine: Any = _json()
    actor: str = _text()
    via: Via = _word(Via)
    person_id: UUID | None = Field(default=None, sa_column=Column(Uuid, nullable=True))
    reason: str | None = _text(nullable=True)
    at: dt.datetime = _at()


class DistinctPurchase(Table, table=True):
    """Two contents of which a person said that they are not the same purchase; the smaller id first."""

    __tablename__ = "distinct_purchases"
    __table_args__ = (Index("ix_distinct_purchases_other_id", "other_id"),)

    content_id: UUID = _content(primary_key=True)
    other_id: UUID = _content(primary_key=True)
