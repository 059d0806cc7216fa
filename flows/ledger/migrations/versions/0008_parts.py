"""A content may have several expenses, one a part; notifications are unique by part, too.

The new unique indexes are made beside writers, then put in the place of the old ones.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_EXPENSES = ("expenses", "uq_expenses_content_id", ["content_id"])
_EXPENSES_BY_PART = ("expenses", "uq_expenses_content_id_part", ["content_id", "part"])
_IDENTITY = ["receipt_id", "kind", "channel", "revision"]
_NOTIFICATIONS = ("notifications", "uq_notifications_receipt_id_kind_channel_revision", _IDENTITY)
_NOTIFICATIONS_BY_PART = (
    "notifications",
    "uq_notifications_receipt_id_kind_channel_revision_part",
    [*_IDENTITY, "part"],
)


def upgrade() -> None:
    """Make both indexes, then swap the constraints."""
    _replace(_EXPENSES, _EXPENSES_BY_PART)
    _replace(_NOTIFICATIONS, _NOTIFICATIONS_BY_PART)


def downgrade() -> None:
    """Take it back; expenses of other parts than the first are lost, with what was told of them."""
    for (table, name, columns), (_, old, _) in (_NOTIFICATIONS, _NOTIFICATIONS_BY_PART), (_EXPENSES, _EXPENSES_BY_PART):
        op.execute(f"DELETE FROM {table} WHERE part > 0")  # noqa: S608  # only constants
        op.drop_constraint(old, table)
        op.create_unique_constraint(name, table, columns)


def _replace(old: tuple[str, str, list[str]], new: tuple[str, str, list[str]]) -> None:
    table, name, columns = new
    if _has_constraint(table, name):  # a try before broke off behind it
        return
    with op.get_context().autocommit_block():
        op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
        op.create_index(name, table, columns, unique=True, postgresql_concurrently=True)
    op.execute(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" UNIQUE USING INDEX "{name}"')
    op.drop_constraint(old[1], table)


def _has_constraint(table: str, name: str) -> bool:
    found = sa.inspect(op.get_bind()).get_unique_constraints(table)
    return name in {one["name"] for one in found}
