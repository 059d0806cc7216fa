"""People, their sessions, and the links that sign them in once."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.func.gen_random_uuid())


def _time(name: str, *, nullable: bool = True, now: bool = False) -> sa.Column[Any]:
    default = sa.func.now() if now else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable, server_default=default)


def _person() -> sa.Column[Any]:
    return sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False)


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "people",
        _id(),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("folded_name", sa.Text, nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("password_hash", sa.Text, nullable=True),
        sa.Column("language", sa.Text, nullable=True),
        _time("created_at", nullable=False, now=True),
        _time("disabled_at"),
        sa.UniqueConstraint("folded_name"),
    )
    op.create_index("ix_people_owner", "people", ["owner"])
    op.create_table(
        "sessions",
        _id(),
        _person(),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        sa.Column("user_agent", sa.Text, nullable=False, server_default=""),
        _time("created_at", nullable=False, now=True),
        _time("last_seen_at", nullable=False, now=True),
        _time("ended_at"),
        sa.UniqueConstraint("token_sha256"),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])
    op.create_table(
        "sign_in_links",
        _id(),
        _person(),
        sa.Column("token_sha256", sa.String(64), nullable=False),
        _time("created_at", nullable=False, now=True),
        _time("expires_at", nullable=False),
        _time("used_at"),
        sa.UniqueConstraint("token_sha256"),
    )
    op.create_index("ix_sign_in_links_person_id", "sign_in_links", ["person_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("sign_in_links", "sessions", "people"):
        op.drop_table(table)
