"""What is learned from corrections: marks of merchants, rules, where they were used. All are empty at first."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "content_identities",
        _content(primary_key=True),
        sa.Column("kind", sa.Text, nullable=False, primary_key=True),
        sa.Column("value", sa.Text, nullable=False, primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
    )
    op.create_index("ix_content_identities_owner_kind_value", "content_identities", ["owner", "kind", "value"])
    op.create_table(
        "rules",
        sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("identity_kind", sa.Text, nullable=False),
        sa.Column("identity_value", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        _content(),
        sa.Column("made_by", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled", sa.Boolean, server_default=sa.text("false"), nullable=False),
        sa.Column("disabled_reason", sa.Text, nullable=True),
        sa.Column("set_by", sa.Text, nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.UniqueConstraint("owner", "kind", "identity_kind", "identity_value"),
    )
    op.create_index("ix_rules_content_id", "rules", ["content_id"])
    op.create_table(
        "rule_uses",
        sa.Column("rule_id", sa.BigInteger, sa.ForeignKey("rules.id", ondelete="CASCADE"), primary_key=True),
        _content(primary_key=True),
    )
    op.create_index("ix_rule_uses_content_id", "rule_uses", ["content_id"])


def downgrade() -> None:
    """Drop them: what was learned is lost, what was chosen stays."""
    for name in ("rule_uses", "rules", "content_identities"):
        op.drop_table(name)


def _content(*, primary_key: bool = False) -> sa.Column[object]:
    reference = sa.ForeignKey("contents.id", ondelete="CASCADE")
    return sa.Column("content_id", sa.Uuid, reference, nullable=False, primary_key=primary_key)
