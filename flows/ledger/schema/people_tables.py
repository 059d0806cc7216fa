"""The tables of people: who may sign in to the pages, their sessions and the links that sign them in once."""

import datetime as dt
from uuid import UUID

from sqlalchemy import Column, DateTime, ForeignKey, Index, String, Text, UniqueConstraint, Uuid, func
from sqlmodel import Field

from flows.ledger.schema.tables import Table


class Person(Table, table=True):
    """One person of one owner. `name` is what they sign in with; `folded_name` keeps it single in any case.

    `openid_subject` is who they are at an OpenID provider: the issuer and its `sub`. `time_zone` is an IANA name.
    """

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("folded_name"),
        UniqueConstraint("openid_subject"),
        Index("ix_people_owner", "owner"),
    )

    id: UUID = Field(default=None, sa_column=Column(Uuid, primary_key=True, server_default=func.gen_random_uuid()))
    owner: str = Field(sa_column=Column(Text, nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    folded_name: str = Field(sa_column=Column(Text, nullable=False))
    role: str = Field(sa_column=Column(String(16), nullable=False))
    password_hash: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    language: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    time_zone: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    openid_subject: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    created_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    disabled_at: dt.datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


class PersonSession(Table, table=True):
    """One browser that a person has signed in with. Only the hash of its token is kept."""

    __tablename__ = "sessions"
    __table_args__ = (UniqueConstraint("token_sha256"), Index("ix_sessions_person_id", "person_id"))

    id: UUID = Field(default=None, sa_column=Column(Uuid, primary_key=True, server_default=func.gen_random_uuid()))
    person_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("people.id", ondelete="CASCADE"), nullable=False))
    token_sha256: str = Field(sa_column=Column(String(64), nullable=False))
    user_agent: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    created_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    last_seen_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    ended_at: dt.datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


class SignInLink(Table, table=True):
    """A link that signs a person in once. Only the hash of its token is kept."""

    __tablename__ = "sign_in_links"
    __table_args__ = (UniqueConstraint("token_sha256"), Index("ix_sign_in_links_person_id", "person_id"))

    id: UUID = Field(default=None, sa_column=Column(Uuid, primary_key=True, server_default=func.gen_random_uuid()))
    person_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("people.id", ondelete="CASCADE"), nullable=False))
    token_sha256: str = Field(sa_column=Column(String(64), nullable=False))
    created_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
    expires_at: dt.datetime = Field(sa_column=Column(DateTime(timezone=True), nullable=False))
    used_at: dt.datetime | None = Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=True))


class SavedFilter(Table, table=True):
    """Filters of the list of expenses that a person keeps under a name. `query` is the list's query string."""

    __tablename__ = "saved_filters"
    __table_args__ = (UniqueConstraint("person_id", "name"),)

    id: UUID = Field(default=None, sa_column=Column(Uuid, primary_key=True, server_default=func.gen_random_uuid()))
    person_id: UUID = Field(sa_column=Column(Uuid, ForeignKey("people.id", ondelete="CASCADE"), nullable=False))
    name: str = Field(sa_column=Column(Text, nullable=False))
    query: str = Field(sa_column=Column(Text, nullable=False))
    created_at: dt.datetime = Field(
        default=None, sa_column=Column(DateTime(timezone=True), nullable=False, server_default=func.now())
    )
