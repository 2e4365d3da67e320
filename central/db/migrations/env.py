"""How Alembic runs our migrations: always on the connection that `central.db.store` hands in."""

from __future__ import annotations

from alembic import context

from central.db.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
