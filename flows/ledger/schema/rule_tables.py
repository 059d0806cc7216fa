"""The tables of what is learned: the marks by which merchants are known again, rules, and where they were used."""

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
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlmodel import Field

from flows.ledger.schema.states import RuleKind
from flows.ledger.schema.tables import Table


def _content(*, nullable: bool = False, primary_key: bool = False) -> Any:
    reference = ForeignKey("contents.id", ondelete="CASCADE")
    return Field(default=None, sa_column=Column(Uuid, reference, nullable=nullable, primary_key=primary_key))


def _text(*, nullable: bool = False, primary_key: bool = False) -> Any:
    return Field(default=None, sa_column=Column(Text, nullable=nullable, primary_key=primary_key))


class ContentIdentity(Table, table=True):
    """One mark of the merchant on one content."""

    __tablename__ = "content_identities"
    __table_args__ = (Index("ix_content_identities_owner_kind_value", "owner", "kind", "value"),)

    content_id: UUID = _content(primary_key=True)
    kind: str = _text(primary_key=True)
    value: str = _text(primary_key=True)
    owner: str = _text()


class RuleRow(Table, table=True):
    """What one mark means: a merchant's name or a category.

    `set_by` says that a person switched it on or off. One without content was made by hand.
    """

    __tablename__ = "rules"
    __table_args__ = (
        UniqueConstraint("owner", "kind", "identity_kind", "identity_value"),
        Index("ix_rules_content_id", "content_id"),
    )

    id: int = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    owner: str = _text()
    kind: RuleKind = Field(
        sa_column=Column(
            Enum(RuleKind, native_enum=False, length=16, values_callable=lambda kinds: [one.value for one in kinds]),
            nullable=False,
        )
    )
    identity_kind: str = _text()
    identity_value: str = _text()
    result: str = _text()
    content_id: UUID | None = _content(nullable=True)
    made_by: str = _text()
    made_at: dt.datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    disabled: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=text("false")))
    disabled_reason: str | None = _text(nullable=True)
    set_by: str | None = _text(nullable=True)
    updated_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )


class RuleUse(Table, table=True):
    """A content whose reading one rule has changed."""

    __tablename__ = "rule_uses"
    __table_args__ = (Index("ix_rule_uses_content_id", "content_id"),)

    rule_id: int = Field(
        default=None, sa_column=Column(BigInteger, ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True)
    )
    content_id: UUID = _content(primary_key=True)
