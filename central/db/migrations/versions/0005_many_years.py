"""Indices for a table of many years, and an overlap trigger that looks at one row instead of all before it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ON_SQLITE, _ON_POSTGRES = sa.text("live = 1"), sa.text("live")
"""As each of the two is asked."""
_BEFORE = (
    "SELECT held.ends FROM alloc AS held WHERE held.live = 1 AND held.id IS NOT NEW.id "
    "AND held.unit_kind = NEW.unit_kind AND held.unit_id = NEW.unit_id AND held.starts < NEW.ends "
    "ORDER BY held.starts DESC LIMIT 1"
)
"""When the last one that starts before the new one's end is over: live rows of one unit never overlap, so none
before it ends later."""


def upgrade() -> None:
    """Bring the schema to this revision; it adds indices, drops those they replace, and makes the trigger anew."""
    op.create_index(
        "alloc_live_unit",
        "alloc",
        ["unit_kind", "unit_id", "starts", "ends"],
        sqlite_where=_ON_SQLITE,
        postgresql_where=_ON_POSTGRES,
    )
    op.create_index(
        "alloc_live_time",
        "alloc",
        ["starts", "ends", "unit_kind"],
        sqlite_where=_ON_SQLITE,
        postgresql_where=_ON_POSTGRES,
    )
    op.drop_index("alloc_unit", "alloc")
    op.create_index("operator_leave_ends", "operator_leave", ["ends"])
    op.create_index("request_newest", "request", ["submitted_at", "id"])
    op.create_index("request_of_agency", "request", ["agency_id", "submitted_at", "id"])
    op.drop_index("ix_request_agency_id", "request")
    op.create_index("session_operator", "session", ["operator_id", "starts"])
    op.create_index("report_newest", "report", ["received_at"])
    if op.get_bind().dialect.name == "sqlite":
        _make_trigger_anew()


def _make_trigger_anew() -> None:
    for what in ("insert", "update"):
        op.execute(f"DROP TRIGGER alloc_no_overlap_{what}")
        op.execute(
            f"CREATE TRIGGER alloc_no_overlap_{what} BEFORE {what} ON alloc WHEN NEW.live "
            f"BEGIN SELECT RAISE(ABORT, 'alloc_overlap') WHERE NEW.starts < ({_BEFORE}); END"
        )
