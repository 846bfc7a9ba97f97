"""Alembic's entry point: runs the migrations on the connection that ``warehouse.postgres.migrate`` hands over."""

from alembic import context

from warehouse.postgres.migrate import note_migration

context.configure(
    connection=context.config.attributes["connection"],
    transaction_per_migration=True,
    on_version_apply=note_migration,
)
with context.begin_transaction():
    context.run_migrations()
