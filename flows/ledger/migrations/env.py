"""Alembic's entry: runs the revisions on the connection that `flows.ledger.migrate` hands over."""

from alembic import context

from flows.ledger.schema import Table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Table.metadata,
    compare_server_default=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
