"""Sessions that were moved to another room: the one that they left is told for as long as it might hold them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"


def upgrade() -> None:
    """Bring the schema to this revision; it only adds."""
    op.create_table(
        "session_left",
        sa.Column("room_id", sa.Text(), nullable=False),
        sa.Column("session_id", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["room_id"], ["room.id"]),
        sa.ForeignKeyConstraint(["session_id"], ["session.id"]),
        sa.PrimaryKeyConstraint("room_id", "session_id"),
    )
    op.create_index("session_left_until", "session_left", ["room_id", "until"])
