"""Letters whose time is over: the file is gone, the row says since when."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Bring the schema to this revision; it only adds."""
    op.add_column("letter", sa.Column("erased_at", sa.BigInteger(), nullable=True))
