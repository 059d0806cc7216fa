"""Expenses get a public id, revisions from 1, and are voided; notifications are unique by revision; kinds get dots.

Receipts that were superseded lose the hash of a content that is not theirs any more, and name the content again, so
that it is deleted with its last receipt.
"""

from uuid import UUID, uuid5

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# A copy of flows.domain.public_ids: a migration goes on meaning what it meant when it was written.
_NAMESPACE = UUID("5b1f3b8e-6c1d-4f0a-9a57-0e6d2c0f7a11")
_PAGE = 10_000
_NO_ID = UUID(int=0)
_KINDS = {
    "expense_ready": "expense.ready",
    "needs_review": "receipt.needs_review",
    "quarantined": "receipt.quarantined",
}
_NEW_KINDS = ["expense.updated", "expense.voided"]
_OLD_IDENTITY, _NEW_IDENTITY = ["receipt_id", "kind", "channel"], ["receipt_id", "kind", "channel", "revision"]
_OLD_UNIQUE = "uq_notifications_receipt_id_kind_channel"
_NEW_UNIQUE = "uq_notifications_receipt_id_kind_channel_revision"


def upgrade() -> None:
    """Add the columns, fill them, then demand them."""
    op.add_column("expenses", sa.Column("public_id", sa.Text, nullable=True))
    op.add_column("expenses", sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("expenses", sa.Column("void_reason", sa.Text, nullable=True))
    _name_expenses()
    op.execute("UPDATE expenses SET revision = revision + 1")
    op.alter_column("expenses", "revision", server_default=sa.text("1"))
    op.alter_column("expenses", "public_id", nullable=False)
    op.create_unique_constraint("uq_expenses_public_id", "expenses", ["public_id"])
    op.add_column("notifications", sa.Column("revision", sa.BigInteger, nullable=False, server_default=sa.text("0")))
    op.alter_column("notifications", "kind", type_=sa.String(32))
    op.execute("UPDATE notifications SET revision = 1 WHERE kind = 'expense_ready'")
    op.drop_constraint(_OLD_UNIQUE, "notifications")
    op.create_unique_constraint(_NEW_UNIQUE, "notifications", _NEW_IDENTITY)
    _rename_kinds(_KINDS)
    # Whoever asked for everything asked for what is new, too.
    _execute(
        "UPDATE webhooks SET kinds = kinds || CAST(:new AS text[]) WHERE kinds @> CAST(:everything AS text[])",
        new=_NEW_KINDS,
        everything=list(_KINDS.values()),
    )
    op.execute(
        """UPDATE receipts SET sha256 = NULL, content_id = contents.id FROM contents
        WHERE receipts.content_id IS NULL AND contents.owner = receipts.owner AND contents.sha256 = receipts.sha256"""
    )
    op.execute("UPDATE receipts SET sha256 = NULL WHERE content_id IS NULL AND sha256 IS NOT NULL")


def downgrade() -> None:
    """Take it back; expenses that were voided and notifications of later revisions are lost."""
    op.execute("DELETE FROM expenses WHERE voided_at IS NOT NULL")
    _execute("DELETE FROM notifications WHERE kind = ANY(:new)", new=_NEW_KINDS)
    op.execute(
        """DELETE FROM notifications later USING notifications first
        WHERE (later.receipt_id, later.kind, later.channel) = (first.receipt_id, first.kind, first.channel)
            AND later.revision > first.revision"""
    )
    for kind in _NEW_KINDS:
        _execute("UPDATE webhooks SET kinds = array_remove(kinds, CAST(:kind AS text))", kind=kind)
    _rename_kinds({new: old for old, new in _KINDS.items()})
    op.drop_constraint(_NEW_UNIQUE, "notifications")
    op.create_unique_constraint(_OLD_UNIQUE, "notifications", _OLD_IDENTITY)
    op.alter_column("notifications", "kind", type_=sa.String(16))
    op.drop_column("notifications", "revision")
    op.drop_constraint("uq_expenses_public_id", "expenses")
    op.alter_column("expenses", "revision", server_default=sa.text("0"))
    op.execute("UPDATE expenses SET revision = revision - 1")
    for name in ("public_id", "voided_at", "void_reason"):
        op.drop_column("expenses", name)


def _name_expenses() -> None:
    """PostgreSQL has no SHA-1 without an extension, so the names are made here, a page at a time."""
    connection, after = op.get_bind(), _NO_ID
    page = sa.text(
        """SELECT expenses.id, expenses.owner, contents.sha256 FROM expenses JOIN contents ON contents.id = content_id
        WHERE expenses.id > :after ORDER BY expenses.id LIMIT :limit"""
    )
    name = sa.text(
        """UPDATE expenses SET public_id = named.public_id
        FROM unnest(CAST(:ids AS uuid[]), CAST(:public_ids AS text[])) AS named (id, public_id)
        WHERE expenses.id = named.id"""
    )
    while rows := connection.execute(page, {"after": after, "limit": _PAGE}).all():
        public_ids = [f"rf-{uuid5(_NAMESPACE, f'{row.owner}/{row.sha256}')}" for row in rows]
        connection.execute(name, {"ids": [row.id for row in rows], "public_ids": public_ids})
        after = rows[-1].id


def _rename_kinds(names: dict[str, str]) -> None:
    renamed = (
        "UPDATE notifications SET kind = CAST(:new AS text),"
        " payload = jsonb_set(payload, '{kind}', to_jsonb(CAST(:new AS text))) WHERE kind = :old"
    )
    replaced = "UPDATE webhooks SET kinds = array_replace(kinds, CAST(:old AS text), CAST(:new AS text))"
    for old, new in names.items():
        _execute(renamed, old=old, new=new)
        _execute(replaced, old=old, new=new)


def _execute(statement: str, **values: object) -> None:
    op.get_bind().execute(sa.text(statement), values)
