"""What people choose: their time zone, filters that they keep; and who they are at an OpenID provider."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the two columns and the table."""
    op.add_column("people", sa.Column("time_zone", sa.Text, nullable=True))
    op.add_column("people", sa.Column("openid_subject", sa.Text, nullable=True))
    op.create_unique_constraint("uq_people_openid_subject", "people", ["openid_subject"])
    op.create_table(
        "saved_filters",
        sa.Column("id", sa.Uuid, primary_key=True, server_default=sa.func.gen_random_uuid()),
        sa.Column("person_id", sa.Uuid, sa.ForeignKey("people.id", ondelete="CASCADE"), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("query", sa.Text, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
        sa.UniqueConstraint("person_id", "name"),
    )


def downgrade() -> None:
    """Drop them with what they hold."""
    op.drop_table("saved_filters")
    op.drop_column("people", "openid_subject")
    op.drop_column("people", "time_zone")
