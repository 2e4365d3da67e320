"""The chain of rooms' journals: hashes of entries, the newest one acknowledged, and where a chain does not fit."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Bring the schema to this revision; it only adds."""
    op.add_column("journal_entry", sa.Column("hash_before", sa.Text(), server_default="", nullable=False))
    op.add_column("journal_entry", sa.Column("hash", sa.Text(), server_default="", nullable=False))
    op.add_column("stream_position", sa.Column("head", sa.Text(), server_default="", nullable=False))
    op.create_table(
        "journal_fault",
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("stream", sa.Text(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("found_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", "stream", "seq", "what"),
    )
